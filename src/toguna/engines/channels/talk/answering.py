"""A conversation: what was said is understood, what is missing is asked, one short question at a time, and nothing is lost.

It is kept for a day on the address. When the machine does not understand twice, a person of the town takes over.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import sms
from toguna.engines.channels.models import Conversation, Incoming, Message, OptOut
from toguna.engines.channels.sending import send
from toguna.engines.channels.talk import understanding
from toguna.engines.channels.talk.commands import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.kernel import audit, limits, town
from toguna.kernel.access import Actor
from toguna.kernel.text import fold

log = logging.getLogger("toguna.channels")

REMEMBERED = timedelta(days=1)
HOUR = timedelta(hours=1)
MOST_AN_HOUR = 60  # from one address; beyond, all is kept and nothing is answered
HELP_PARTS = 2  # of an SMS, in one answer
MISSES = 2  # not understood in a row before a person takes over


def answer(incoming: Incoming) -> None:
    """Answers what came, in the caller's transaction. What is not for an answer is only kept."""
    if not _answerable(incoming):
        _done(incoming, Incoming.State.KEPT)
        return
    try:
        limits.hit("channels.incoming", f"{incoming.medium}:{incoming.address}", at_most=MOST_AN_HOUR, per=HOUR)
    except limits.TooMany as error:
        first = limits_are_new(incoming)
        with translation.override(_language(None, incoming)):
            _done(incoming, Incoming.State.KEPT, str(error) if first else "")
        return
    talk = _conversation(incoming)
    incoming.conversation = talk
    meant = understanding.meant(incoming.text)
    if meant is not None and meant.language and not (talk.asked or talk.language):
        talk.language = meant.language
    with translation.override(_language(talk, incoming)):
        words = _reply(talk, incoming, meant)
        talk.updated = timezone.now()
        talk.save()
        if talk.state == Conversation.State.PERSON and not words:
            _done(incoming, Incoming.State.PERSON)
        else:
            _done(
                incoming,
                Incoming.State.PERSON if talk.state == Conversation.State.PERSON else Incoming.State.ANSWERED,
                words,
            )


def limits_are_new(incoming: Incoming) -> bool:
    """Whether this address was not told in the last hour that it writes too much: said once, then silence."""
    since = timezone.now() - HOUR
    return not Message.objects.filter(
        address=incoming.address, medium=incoming.medium, key__startswith="incoming:too-many:", created__gt=since
    ).exists()


def _answerable(incoming: Incoming) -> bool:
    """Machines are not answered: senders by name ("ORANGE"), short numbers; nor is what has no address."""
    if incoming.medium == "sms":
        digits = incoming.address.lstrip("+")
        return digits.isdigit() and len(digits) >= 8
    return bool(incoming.address)


def _conversation(incoming: Incoming) -> Conversation:
    """The one under way with this address, locked; a new one when there is none, or when it is a day old."""
    for _attempt in range(3):
        found = (
            Conversation.objects.select_for_update()
            .filter(medium=incoming.medium, address=incoming.address)
            .exclude(state=Conversation.State.CLOSED)
            .first()
        )
        if found is not None and timezone.now() - found.updated < REMEMBERED:
            return found
        language = ""
        if found is not None:
            if found.state == Conversation.State.PERSON and found.account is None:
                return found  # nobody has answered yet: it still waits
            found.state, language = Conversation.State.CLOSED, found.language
            found.save(update_fields=["state"])
        person = people.known_at(incoming.address)
        try:
            with transaction.atomic():
                return Conversation.objects.create(
                    medium=incoming.medium,
                    address=incoming.address,
                    person_id=person.pk if person else None,
                    language=language or (person.language if person else ""),
                )
        except IntegrityError:  # two messages of the same person at once: the other one made it
            continue
    raise RuntimeError("no conversation could be opened")


def _language(talk: Conversation | None, incoming: Incoming) -> str:
    offered = town.current().languages
    return talk.language if talk is not None and talk.language in offered else offered[0]


def _reply(talk: Conversation, incoming: Incoming, meant: understanding.Meant | None) -> str:
    """What is answered; "" for nothing."""
    under_way = understanding.command(talk.command) if talk.asked else None
    held = under_way is not None and under_way.holds
    if held and meant is not None and (meant.command not in understanding.BUILT_IN or meant.rest or not meant.exact):
        meant = None
    if meant is not None and meant.exact and not (talk.asked and _is_choice(talk, incoming.text)):
        if meant.command in understanding.BUILT_IN:
            return _built_in(talk, incoming, meant)
        return _begin(talk, incoming, understanding.command(meant.command), meant.rest)
    if talk.state == Conversation.State.PERSON:
        return ""
    if talk.asked:
        return _go_on(talk, incoming)
    if meant is not None:
        if meant.command in understanding.BUILT_IN:
            return _built_in(talk, incoming, meant)
        return _begin(talk, incoming, understanding.command(meant.command), meant.rest)
    said = _said(talk, incoming, incoming.text)
    claims = sorted(
        ((claim, -c.order, c) for c in understanding.commands() if c.claim and (claim := c.claim(said)) > 0),
        key=lambda found: found[:2],
        reverse=True,
    )
    if claims:
        return _begin(talk, incoming, claims[0][2], incoming.text)
    return _missed(talk, incoming)


def _missed(talk: Conversation, incoming: Incoming, hint: str = "") -> str:
    talk.misses += 1
    if talk.misses >= MISSES or (talk.medium == "email" and not hint):  # a letter is not a menu: somebody reads it
        return _to_person(talk)
    return hint or _(
        "%(town)s: we did not understand. Send %(help)s for what you can do, or %(person)s to be answered by somebody."
    ) % {"town": town.current().name, "help": _("HELP"), "person": _("AGENT")}


def _to_person(talk: Conversation) -> str:
    talk.state, talk.account, talk.asked = Conversation.State.PERSON, None, ""
    return _("Somebody at the town hall will read your message and answer you.")


def _built_in(talk: Conversation, incoming: Incoming, meant: understanding.Meant) -> str:
    """The words of the conversation itself."""
    talk.misses = 0
    match meant.command:
        case "stop":
            _forget_command(talk)
            OptOut.objects.get_or_create(medium=talk.medium, address=talk.address, about="")
            return _("You will get no more news from %(town)s, only answers and alarms. To have them again, send %(start)s.") % {
                "town": town.current().name, "start": _("START"),
            }  # fmt: skip
        case "start":
            OptOut.objects.filter(medium=talk.medium, address=talk.address).delete()
            return _("You get the news of %(town)s again. To stop, send %(stop)s.") % {
                "town": town.current().name, "stop": _("STOP"),
            }  # fmt: skip
        case "cancel":
            _forget_command(talk)
            return _("It is cancelled: nothing was sent.")
        case "person":
            return _to_person(talk)
        case _:
            return helped(meant.rest)


def helped(about: str = "") -> str:
    """The help tree: what can be asked, in as many answers as two parts of an SMS each make ("HELP 2"), or how to use one."""
    page = int(about) if about.isascii() and about.isdigit() and len(about) < 3 else 1
    wanted = understanding.meant(about) if about and page == 1 else None
    found = understanding.command(wanted.command) if wanted else None
    language = (translation.get_language() or "").split("-")[0]
    if found is not None:
        example = found.example.get(language) or next(iter(found.example.values()), "")
        words = f"{_keyword(found, language)}: {found.title}."
        return " ".join([words, _("Example:"), example]) if example else words
    lines = [_line(_keyword(c, language), str(c.title)) for c in understanding.commands() if c.menu]
    pages = [""]
    for line in lines:
        if pages[-1] and sms.size(_page(f"{pages[-1]}\n{line}", len(pages) + 1)).parts > HELP_PARTS:
            pages.append("")
        pages[-1] = f"{pages[-1]}\n{line}".strip()
    page = max(1, min(page, len(pages)))
    return _page(pages[page - 1], page + 1 if page < len(pages) else 0)


def _page(lines: str, following: int) -> str:
    more = [_("%(help)s %(page)d: more") % {"help": _("HELP"), "page": following}] if following else []
    return "\n".join([town.current().name, lines, *more, _("%(help)s and a word: how it works") % {"help": _("HELP")}])


def _line(keyword: str, title: str) -> str:
    """A word that says it all is not explained by itself: each letter of the help is paid for."""
    return keyword if fold(keyword) == fold(title) else f"{keyword}: {title}"


def _keyword(command: Command, language: str) -> str:
    return (command.keywords.get(language) or next(iter(command.keywords.values())))[0].upper()


def _said(talk: Conversation, incoming: Incoming, text: str) -> Said:
    slots = {k: v for k, v in talk.slots.items() if not k.startswith("_")}
    return Said(
        medium=talk.medium,
        address=talk.address,
        language=(translation.get_language() or "").split("-")[0],
        text=text,
        slots=slots,
        person=talk.person_id,
        key=f"incoming:{incoming.pk}",
    )


def _begin(talk: Conversation, incoming: Incoming, command: Command | None, rest: str) -> str:
    if command is None:  # its service is no longer there
        return _missed(talk, incoming)
    if talk.state == Conversation.State.PERSON:
        talk.state = Conversation.State.OPEN
    talk.command, talk.slots, talk.asked, talk.misses = command.name, {"_text": rest}, "", 0
    return _run(talk, incoming, command)


def _go_on(talk: Conversation, incoming: Incoming) -> str:
    """The answer to the question that was asked last."""
    command = understanding.command(talk.command)
    if command is None:
        return _missed(talk, incoming)
    said = _said(talk, incoming, talk.slots.get("_text", ""))
    slot = next((s for s in slots_of(command, said) if s.name == talk.asked), None)
    if slot is None:
        talk.asked = ""
        return _run(talk, incoming, command)
    typed = incoming.text
    if slot.optional and (
        not fold(typed) or fold(typed) in ("0", "non", "no", "nao", "rien", "nada", "skip", "passer")
    ):
        talk.slots[slot.name], talk.misses = None, 0
        return _run(talk, incoming, command)
    try:
        talk.slots[slot.name] = read(slot, said, typed, talk.slots.get("_choices"))
    except NotUnderstood as error:
        return _missed(talk, incoming, str(error) or _asking(talk, slot, said))
    except Stop as end:
        _forget_command(talk)
        return str(end)
    talk.misses = 0
    return _run(talk, incoming, command)


def read(slot: Slot, said: Said, typed: str, offered: Sequence[Sequence[Any]] | None = None) -> Any:
    """The value that was typed for a slot: the number or the words of a choice, else what `slot.read` makes of it."""
    choices = [Choice(*pair) for pair in offered] if offered else list(slot.choices(said)) if slot.choices else []
    plain = fold(typed)
    number = plain.split(" ")[0] if plain else ""
    if choices and number.isdecimal() and len(number) < 4 and 1 <= int(number) <= len(choices):
        return choices[int(number) - 1].value
    if choices and plain:
        alike = [c for c in choices if fold(c.words) == plain] or [c for c in choices if plain in fold(c.words).split()]
        if len(alike) == 1:
            return alike[0].value
    if slot.read is not None:
        return slot.read(said, typed)
    raise NotUnderstood


def slots_of(command: Command, said: Said) -> list[Slot]:
    """The questions of a command that matter with what is known, up to the first without an answer (those after it may
    depend on it). Raises Stop when an answer ends it."""
    found: list[Slot] = []
    for slot in command.slots:
        if slot.name in said.slots:
            found.append(slot)
        elif slot.when is None or slot.when(said):
            return [*found, slot]
    return [*found, *(command.more(said) if command.more else ())]


def _run(talk: Conversation, incoming: Incoming, command: Command) -> str:
    """Asks for the first thing that is missing; when nothing is, does it."""
    try:
        while True:
            said = _said(talk, incoming, talk.slots.get("_text", ""))
            missing = next((slot for slot in slots_of(command, said) if slot.name not in said.slots), None)
            if missing is None:
                words = command.run(said)
                break
            if missing.guess is None or (value := missing.guess(said)) is None:
                talk.asked = missing.name
                return _asking(talk, missing, said)
            talk.slots[missing.name] = value
    except (Stop, NotUnderstood) as end:
        words = str(end)
    _forget_command(talk)
    return words


def _asking(talk: Conversation, slot: Slot, said: Said) -> str:
    choices = list(slot.choices(said))[: slot.most] if slot.choices else []
    talk.slots["_choices"] = [[c.value, c.words] for c in choices]
    return question(slot, said, choices)


def question(slot: Slot, said: Said, choices: Sequence[Choice]) -> str:
    """A question as it is sent, its choices with numbers."""
    ask = str(slot.ask(said) if callable(slot.ask) else slot.ask)
    return "\n".join([ask, *(f"{n} {c.words}" for n, c in enumerate(choices, 1))])


def _is_choice(talk: Conversation, typed: str) -> bool:
    offered = talk.slots.get("_choices") or []
    return any(fold(str(words)) == fold(typed) for _value, words in offered)


def _forget_command(talk: Conversation) -> None:
    talk.command, talk.slots, talk.asked = "", {}, ""


def _done(incoming: Incoming, state: str, words: str = "") -> None:
    """Writes what became of it, and sends the answer."""
    incoming.state = state
    if words:
        kind = "incoming:too-many:" if state == Incoming.State.KEPT else "incoming:"
        key = f"{kind}{incoming.pk}"
        person = incoming.conversation.person_id if incoming.conversation else None
        send(incoming.medium, incoming.address, key=key, text=words, person=person)
        incoming.answer = Message.objects.filter(key=key).first()
    incoming.save(update_fields=["state", "answer", "conversation"])


def hand_over(incoming: Incoming, *, broken: bool = False) -> None:
    """A person of the town must look at it: the machine failed."""
    talk = _conversation(incoming) if incoming.address else None
    if talk is not None:
        with translation.override(_language(talk, incoming)):
            words = _to_person(talk)
            talk.updated = timezone.now()
            talk.save()
            incoming.conversation = talk
            _done(incoming, Incoming.State.PERSON, words if _answerable(incoming) else "")
    else:
        _done(incoming, Incoming.State.PERSON)


@transaction.atomic
def take_over(conversation: int, words: str, *, by: Actor) -> Conversation:
    """A member of staff answers in a conversation: the machine is silent in it until they give it back."""
    talk = Conversation.objects.select_for_update().get(pk=conversation)
    talk.state, talk.account, talk.updated = Conversation.State.PERSON, by.account, timezone.now()
    talk.save(update_fields=["state", "account", "updated"])
    sequence = Message.objects.filter(key__startswith=f"talk:{talk.pk}:").count()
    send(talk.medium, talk.address, key=f"talk:{talk.pk}:{sequence}", text=words, person=talk.person_id)
    audit.record(by, "channels.answer", f"channels.conversation:{talk.pk}")
    return talk


@transaction.atomic
def give_back(conversation: int, *, by: Actor) -> None:
    """The machine answers again."""
    talk = Conversation.objects.select_for_update().get(pk=conversation)
    talk.state, talk.account, talk.misses = Conversation.State.OPEN, None, 0
    _forget_command(talk)
    talk.save()
    Incoming.objects.filter(conversation=talk, state=Incoming.State.PERSON).update(state=Incoming.State.ANSWERED)
    audit.record(by, "channels.give_back", f"channels.conversation:{talk.pk}")


def fits(words: str) -> sms.Size:
    """What an answer costs as an SMS."""
    return sms.size(sms.normalise(words))
