"""What somebody means: the command that their words call for, forgiving of case, accents, spelling, order and shorthand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from toguna.engines.channels.settings import shorthand
from toguna.engines.channels.talk.commands import Command
from toguna.kernel import registry
from toguna.kernel.text import fold

# Words of the conversation itself, in the languages that ship; the town adds its own in town.toml, [words].
BUILT_IN: dict[str, tuple[str, ...]] = {
    "stop": ("stop", "arret", "arreter", "parar", "unsubscribe", "desabonner tout", "end", "quit", "stopall"),
    "start": ("start", "reprendre", "retomar", "unstop"),
    "help": ("help", "aide", "ajuda", "menu", "info", "?", "bonjour", "salut", "hello", "hi", "ola", "bom dia", "bonsoir", "aidez moi", "allo"),
    "cancel": ("cancel", "annuler", "cancelar", "non merci", "laisser"),
    "person": ("agent", "person", "personne", "quelqu un", "pessoa", "alguem", "humain", "operateur"),
}  # fmt: skip
LANGUAGE_OF = {
    "stop": "en", "arret": "fr", "arreter": "fr", "parar": "pt", "unsubscribe": "en", "start": "en", "reprendre": "fr",
    "retomar": "pt", "help": "en", "aide": "fr", "ajuda": "pt", "bonjour": "fr", "salut": "fr", "hello": "en", "hi": "en",
    "ola": "pt", "bom dia": "pt", "bonsoir": "fr", "cancel": "en", "annuler": "fr", "cancelar": "pt", "personne": "fr",
    "person": "en", "pessoa": "pt", "allo": "fr", "aidez moi": "fr",
}  # fmt: skip


@dataclass(frozen=True)
class Meant:
    """command: a command's name, or "stop", "start", "help", "cancel", "person"; rest: the words beside the keyword, as typed;
    language: of the keyword, "" when it is the same in several; exact: the keyword was written as it is, at the beginning."""

    command: str
    rest: str
    language: str
    exact: bool


@lru_cache(maxsize=1)
def _keywords() -> dict[str, tuple[str, str]]:
    """folded keyword: (command, language or "")."""
    found: dict[str, tuple[str, str]] = {}
    for name, words in BUILT_IN.items():
        for word in words:
            found[fold(word) or word] = (name, LANGUAGE_OF.get(word, ""))
    for command in registry.declared(Command):
        for language, words in command.keywords.items():
            for word in words:
                folded = fold(word)
                known = found.get(folded)
                found[folded] = (command.name, language if known is None else "")
    for word, name in shorthand().items():  # local shorthand: "sgn" = "report"
        found.setdefault(fold(word), (name, ""))
    return found


def forget() -> None:
    """After the declarations changed (tests)."""
    _keywords.cache_clear()


def commands() -> Sequence[Command]:
    return sorted(registry.declared(Command), key=lambda c: (c.order, c.name))


def command(name: str) -> Command | None:
    return registry.find(Command, name)


def clashes(declared: Iterable[Command]) -> list[str]:
    """Sentences on keywords that two commands want, or that the conversation itself uses."""
    taken: dict[str, str] = {fold(word) or word: name for name, words in BUILT_IN.items() for word in words}
    wrong = []
    for one in declared:
        for words in one.keywords.values():
            for word in words:
                other = taken.setdefault(fold(word), one.name)
                if other != one.name:
                    wrong.append(f"the keyword {word!r} is wanted by {one.name!r} and by {other!r}")
    return wrong


def meant(typed: str) -> Meant | None:
    """The command that these words call for; None when no keyword is among them."""
    known = _keywords()
    if typed.strip() in ("?", "??", "???"):
        return Meant("help", "", "", True)
    words = typed.split()
    folded = [fold(word) for word in words]
    if not any(folded):
        return None
    # At the beginning, as it is: two words before one ("bom dia"), so that the longer wins.
    for count in (2, 1):
        head = " ".join(" ".join(folded[:count]).split())
        if len(words) >= count and head in known:
            name, language = known[head]
            return Meant(name, " ".join(words[count:]), language, True)
    # Stuck to what follows: "SUIVI:K7M4", "SIGNALER-trou".
    first, _, more = folded[0].partition(" ")
    if more and first in known:
        name, language = known[first]
        rest = typed.strip()
        return Meant(name, rest[len(first) :].lstrip(" :;,.-_/#").strip() or more, language, True)
    # At the beginning, misspelt.
    if (near := _nearest(folded[0], known)) is not None:
        name, language = known[near]
        return Meant(name, " ".join(words[1:]), language, False)
    # Elsewhere: "un trou à signaler". Only words that are long enough to be meant.
    for position, word in enumerate(folded[1:], 1):
        if len(word) >= 5 and word in known and known[word][0] not in BUILT_IN:
            name, language = known[word]
            if (declared := command(name)) is not None and declared.leads:
                continue
            return Meant(name, " ".join(words[:position] + words[position + 1 :]), language, False)
    return None


def _nearest(word: str, known: dict[str, tuple[str, str]]) -> str | None:
    """The one keyword that this may be a misspelling of: one letter off from 4 letters on, two from 7 on."""
    if len(word) < 4:
        return None
    most = 2 if len(word) >= 7 else 1
    best = [
        (d, k)
        for k in known
        if abs(len(k) - len(word)) <= most and len(k) >= 4 and (d := distance(word, k, most)) <= most
    ]
    if not best:
        return None
    least = min(best)[0]
    found = {known[k][0] for d, k in best if d == least}
    return min(k for d, k in best if d == least) if len(found) == 1 else None


def distance(a: str, b: str, most: int) -> int:
    """Edits between two words, a swap of neighbours being one (optimal string alignment); more than `most` is most + 1."""
    if abs(len(a) - len(b)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        last, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return row[-1]
