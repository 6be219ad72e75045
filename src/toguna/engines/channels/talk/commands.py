"""What a service lets people do by words, on any phone: declared once, it works by SMS, USSD, WhatsApp, Telegram and in the
phone simulator. A command is a few questions (slots) and a verb; the conversation asks for what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from toguna.kernel.manifest import Declaration
from toguna.kernel.text import fold


class NotUnderstood(Exception):
    """What was typed does not answer the question; str() says, within one SMS, what to type instead ("": ask again)."""


class Stop(Exception):
    """The conversation ends here, with str() as its last words: a refusal, or what to do instead."""


@dataclass(frozen=True)
class Said:
    """What is known while a command runs. text: the words after the keyword, as typed; slots: answers so far, by name;
    person: the id of whoever this address is known to be (never proof of who types); key: unique to this conversation,
    for idempotent verbs; choices: see `Slot.choices`."""

    medium: str
    address: str
    language: str
    text: str = ""
    slots: Mapping[str, Any] = field(default_factory=dict)
    person: int | None = None
    key: str = ""


@dataclass(frozen=True)
class Choice:
    """One of a short list: value is JSON-able, words are shown with a number before them."""

    value: Any
    words: str


@dataclass(frozen=True)
class Slot:
    """One question. ask: lazy text, or made of what is known; at most 140 characters of the GSM alphabet.

    read(said, typed) gives the value (JSON-able) or raises NotUnderstood, or Stop. choices(said): when there are some, a
    list with numbers is sent and the number, or the words, of one is the answer. guess(said): tries to read it from the words
    that came with the command, before asking; None: ask. optional: an empty answer ("0", "-") goes on.
    """

    name: str
    ask: Any
    read: Callable[[Said, str], Any] | None = None
    choices: Callable[[Said], Sequence[Choice]] | None = None
    guess: Callable[[Said], Any] | None = None
    optional: bool = False
    when: Callable[[Said], bool] | None = None  # asked only then
    most: int = 6  # choices in one message; others are found by their words


@dataclass(frozen=True)
class Command(Declaration):
    """run(said) does it, in one transaction, and gives the answer (one SMS if it can be: 160 characters of GSM).

    keywords: {language: words}, the first is the one that help shows; example: {language: "SIGNALER trou devant l'école"}.
    menu: whether it is in the USSD menus; order: lower first, everywhere."""

    name: str
    title: Any
    keywords: Mapping[str, tuple[str, ...]]
    run: Callable[[Said], str]
    slots: tuple[Slot, ...] = ()
    menu_slots: tuple[Slot, ...] = ()  # the same questions in the order that suits a keypad; none: `slots`
    more: Callable[[Said], Sequence[Slot]] | None = None  # further questions, once those of `slots` are answered
    claim: Callable[[Said], float] | None = None  # 0 to 1: how surely words with no keyword are meant for it
    example: Mapping[str, str] = field(default_factory=dict)
    menu: bool = True
    order: int = 100
    # While it asks, a word that begins like another command's is an answer ("Merci Dembélé" is a name): only STOP, HELP,
    # CANCEL and AGENT, alone, are heard.
    holds: bool = False
    # Its words are heard only where a message begins: "où", "note" stand in the middle of what others say too.
    leads: bool = False

    def in_menus(self) -> Command:
        """This command as menus ask it."""
        return replace(self, slots=self.menu_slots) if self.menu_slots else self

    def problems(self) -> Iterator[str]:
        for language in ("fr", "pt", "en"):
            if not self.keywords.get(language):
                yield f"no keyword in {language}"
        for words in self.keywords.values():
            for word in words:
                if not fold(word) or len(word) > 20:
                    yield f"{word!r} is not a keyword"
        for slots in (self.slots, self.menu_slots):
            if len({slot.name for slot in slots}) != len(slots):
                yield "two slots have the same name"
        for slot in (*self.slots, *self.menu_slots):
            if slot.read is None and slot.choices is None:
                yield f"slot {slot.name!r} cannot be read"
