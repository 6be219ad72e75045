"""Codes and references as people and banks write them."""

from __future__ import annotations

import re
from itertools import pairwise

CODE = 8  # characters of a code of a request


def words(text: str) -> list[str]:
    """What may be a code of ours or a reference of a bill in a text, the likeliest first: words, and neighbours put together."""
    bare = [re.sub(r"[^0-9A-Z]", "", word) for word in re.split(r"[\s,;:/]+", text.upper()[:200])]
    bare = [word for word in bare if word]
    pairs = [one + two for one, two in pairwise(bare)]
    alone = re.sub(r"[^0-9A-Z]", "", text.upper())[:40]
    attempts = [
        word[:CODE] for word in bare if re.fullmatch(r"[0-9A-Z]{8}\d", word)
    ]  # our code, with the attempt behind it
    return list(dict.fromkeys([*bare, *pairs, alone, *attempts]))
