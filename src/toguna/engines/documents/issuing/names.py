"""How a West African name sounds, however a clerk spelt it: Koulibaly, Kulibali and Coulibaly are one."""

from __future__ import annotations

import re

from toguna.kernel.text import fold

# In order: spellings of one sound in French, Portuguese and English hands, to one.
_SOUNDS = [
    (re.compile(found), put)
    for found, put in (
        (r"\bel hadji\b|\bel hadj\b|\bal hajj\b|\bhadja\b", ""),
        (
            r"mohammad|mohammed|muhammad|mamadou|mahamadou|mouhamadou|mamadu|muhammadu|mouhamed|mohamed|mohamadou",
            "mamadu",
        ),
        (r"ou|oo|w", "u"),
        (r"dj|dy|di(?=[aeou])", "j"),
        (r"gu(?=[eiy])|gh", "g"),
        (r"c(?=[eiy])|sc|z|ss", "s"),
        (r"tch|ti(?=[aeou])|thi(?=[aeou])|ch|tj", "c"),
        (r"qu|ck|c(?=[aou])|kh|q", "k"),
        (r"ph", "f"),
        (r"th", "t"),
        (r"gn|nh|nj|ni(?=[aeou])", "ny"),
        (r"y|ii|ie\b|ee\b", "i"),
        (r"h", ""),
        (r"e\b", ""),
        (r"(.)\1+", r"\1"),
    )
]


def sound(name: str) -> str:
    """The sounds of a name, its words in alphabetical order: "Koné Awa" and "Awa KONE" are the same.

    >>> sound("Coulibaly Aïcha") == sound("AICHA KOULIBALI")
    True
    """
    said = fold(name)
    for found, put in _SOUNDS:
        said = found.sub(put, said)
    return " ".join(sorted(said.split()))[:200]


def folded(name: str) -> str:
    """Without accents and capitals, words in alphabetical order."""
    return " ".join(sorted(fold(name).split()))[:200]
