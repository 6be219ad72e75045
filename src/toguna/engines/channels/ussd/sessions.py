"""USSD: the commands of the services as menus, one small screen at a time, in a session that the operator may cut.

A screen is at most 182 characters of the GSM alphabet (3GPP TS 23.038: 160 octets of 7-bit septets), or 80 of UCS-2.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import sms
from toguna.engines.channels.models import UssdSession
from toguna.engines.channels.sending import send
from toguna.engines.channels.talk import answering, understanding
from toguna.engines.channels.talk.commands import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.kernel import limits, text, town

log = logging.getLogger("toguna.channels")

MOST_GSM, MOST_UCS2 = 182, 80
RESUMED = timedelta(minutes=5)
MORE, BACK, HOME = "98", "0", "00"
LANGUAGES = {"fr": "Français", "pt": "Português", "en": "English"}
PER_HOUR = 400  # screens for one phone


@dataclass(frozen=True)
class Screen:
    """What the phone shows. end: the session is over."""

    text: str
    end: bool = False


def fits(words: str) -> bool:
    size = sms.size(sms.normalise(words))
    return size.units <= (MOST_GSM if size.alphabet == "GSM" else MOST_UCS2)


def step(session: str, phone: str, typed: Sequence[str]) -> Screen:
    """The screen after everything that was typed in a session, `typed` being all of it since it began ([] at the start).

    The same again gives the same screen and does nothing twice. Raises limits.TooMany.
    """
    session, typed = text.clean(session), [text.clean(word)[:200] for word in typed]
    with transaction.atomic():
        limits.hit("channels.ussd", phone, at_most=PER_HOUR, per=timedelta(hours=1))
        row, _made = UssdSession.objects.select_for_update().get_or_create(
            session=session[:120], defaults={"address": phone}
        )
        known = list(row.path)
        if row.ended is None and row.address == phone:
            if not known and not typed and "screen" not in row.slots:
                _start(row)
            for word in list(typed)[len(known) :]:
                if row.ended is not None:
                    break
                with translation.override(_language(row)):
                    _press(row, word)
                row.path = [*row.path, word]
            row.updated = timezone.now()
            row.save()
        return Screen(row.slots.get("screen", ""), end=row.ended is not None)


def _language(row: UssdSession) -> str:
    offered = town.current().languages
    return row.language if row.language in offered else offered[0]


def _start(row: UssdSession) -> None:
    """The first screen: go on with what was cut, or the menu."""
    person = people.known_at(row.address)
    before = (
        UssdSession.objects.filter(address=row.address, ended=None, updated__gt=timezone.now() - RESUMED)
        .exclude(pk=row.pk)
        .order_by("-updated")
        .first()
    )
    last = (
        UssdSession.objects.filter(address=row.address)
        .exclude(pk=row.pk)
        .exclude(language="")
        .order_by("-updated")
        .first()
    )
    row.language = last.language if last else person.language if person else ""
    with translation.override(_language(row)):
        if before is not None and before.slots.get("command"):
            row.slots = {"resume": {k: v for k, v in before.slots.items() if k != "screen"}}
            before.ended = timezone.now()
            before.save(update_fields=["ended"])
            _show(row, "\n".join([_("You were cut off."), "1 " + _("Go on"), "2 " + _("Begin again")]))
        else:
            _home(row)


def _show(row: UssdSession, words: str, *, end: bool = False) -> None:
    row.slots["screen"] = sms.normalise(words)
    if end:
        row.ended = timezone.now()


def entries() -> list[Command]:
    """What is in the menu."""
    return [c for c in understanding.commands() if c.menu]


def _home(row: UssdSession) -> None:
    row.slots = {"at": "home"}
    offered = [Choice(c.name, _capital(str(c.title))) for c in entries()]
    if len(town.current().languages) > 1:
        # On the first screen, however many commands there are: whoever cannot read it needs no other.
        offered.insert(2, Choice("language", _("Language")))
    _list(row, town.current().name, offered, back=False)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _list(row: UssdSession, head: str, choices: Sequence[Choice], *, back: bool = True, page: int = 0) -> None:
    """A question and numbered choices, over as many screens as they need."""
    pages = paged(head, [c.words for c in choices], back=back)
    page = min(page, len(pages) - 1)
    row.slots.update(head=head, choices=[[c.value, c.words] for c in choices], page=page, back=back)
    _show(row, pages[page])


def paged(head: str, words: Sequence[str], *, back: bool) -> list[str]:
    """The screens that hold these choices; a head or a choice that is too long is cut, never left out."""
    foot = [f"{BACK} " + _("Go back")] if back else []
    more = f"{MORE} " + _("Next")
    while not fits("\n".join([head, "999 ...", more, *foot])):
        head = _cut(head)
    pages: list[list[str]] = [[]]
    for number, line in enumerate(words, 1):
        entry = f"{number} {line}"
        while not fits("\n".join([head, entry, more, *foot])):
            entry = _cut(entry)
        if pages[-1] and not fits("\n".join([head, *pages[-1], entry, more, *foot])):
            last = number == len(words)
            if not (last and fits("\n".join([head, *pages[-1], entry, *foot]))):
                pages.append([])
        pages[-1].append(entry)
    return ["\n".join([head, *lines, *([more] if n < len(pages) - 1 else []), *foot]) for n, lines in enumerate(pages)]


def _cut(words: str) -> str:
    return words.removesuffix("...")[:-4].rstrip() + "..."


def _press(row: UssdSession, typed: str) -> None:
    """One thing typed on the screen that is shown."""
    typed = typed.strip()[:1000]
    slots = row.slots
    if "resume" in slots:
        if typed == "1":
            row.slots = dict(slots["resume"])
            _ask(row)
        else:
            _home(row)
        return
    if typed == HOME:
        _home(row)
        return
    if typed == MORE and "choices" in slots:
        _list(row, slots["head"], [Choice(*c) for c in slots["choices"]], back=slots["back"], page=slots["page"] + 1)
        return
    if slots.get("at") == "command":
        _answer(row, typed)
        return
    chosen = _chosen(slots, typed)
    if chosen is None:
        if typed == BACK:
            _home(row)
        else:
            _again(row)
        return
    if slots.get("at") == "languages":
        row.language = str(chosen)
        with translation.override(_language(row)):
            _home(row)
    elif chosen == "language":
        row.slots = {"at": "languages"}
        _list(row, _("Language"), [Choice(code, LANGUAGES.get(code, code)) for code in town.current().languages])
    else:
        row.slots = {"at": "command", "command": chosen, "known": {}, "order": [], "asked": []}
        _ask(row)


def _chosen(slots: dict[str, Any], typed: str) -> Any:
    offered = slots.get("choices") or []
    if typed.isascii() and typed.isdigit() and len(typed) < 4 and 1 <= int(typed) <= len(offered):
        return offered[int(typed) - 1][0]
    return None


def _again(row: UssdSession, hint: str = "") -> None:
    """The same screen, with what to do on it before it."""
    hint = hint or _("Type one of the numbers.")
    shown = row.slots.get("plain") or row.slots.get("screen", "")
    row.slots["plain"] = shown
    words = f"{hint}\n{shown}"
    while not fits(words) and hint:
        hint = hint[:-4].rstrip()
        words = f"{hint}\n{shown}" if len(hint) > 8 else shown
        if len(hint) <= 8:
            break
    _show(row, words)


def _said(row: UssdSession) -> Said:
    person = people.known_at(row.address)
    return Said(
        medium="ussd",
        address=row.address,
        language=_language(row),
        slots=row.slots["known"],
        person=person.pk if person else None,
        key=f"ussd:{row.pk}:{len(row.path)}",
    )


def _command(row: UssdSession) -> Command | None:
    return understanding.command(row.slots.get("command", ""))


def _missing(command: Command, said: Said) -> Slot | None:
    return next((slot for slot in answering.slots_of(command.in_menus(), said) if slot.name not in said.slots), None)


def _ask(row: UssdSession) -> None:
    """The next question of the command, or its end."""
    command = _command(row)
    if command is None:
        _home(row)
        return
    for gone in ("choices", "head", "page", "plain"):
        row.slots.pop(gone, None)
    try:
        while True:
            said = _said(row)
            missing = _missing(command, said)
            if missing is None:
                words = command.run(said)
                break
            if missing.guess is not None and (value := missing.guess(said)) is not None:
                _know(row, missing.name, value)
                continue
            row.slots["now"] = missing.name
            _question(row, missing, said)
            return
    except (Stop, NotUnderstood) as end:
        words = str(end)
    _end(row, words)


def _question(row: UssdSession, slot: Slot, said: Said) -> None:
    head = str(slot.ask(said) if callable(slot.ask) else slot.ask)
    if slot.choices is not None:
        _list(row, head, list(slot.choices(said)))
        return
    foot = f"{BACK} " + (_("Skip it") if slot.optional else _("Go back"))
    while not fits(f"{head}\n{foot}"):
        head = _cut(head)
    _show(row, f"{head}\n{foot}")


def _answer(row: UssdSession, typed: str) -> None:
    command = _command(row)
    if command is None:
        _home(row)
        return
    said = _said(row)
    slot = next((s for s in answering.slots_of(command.in_menus(), said) if s.name == row.slots["now"]), None)
    if slot is None:
        _ask(row)
        return
    if typed == BACK and not slot.optional:
        _back(row)
        return
    if slot.optional and typed in (BACK, ""):
        value: Any = None
    else:
        try:
            value = answering.read(slot, said, typed, row.slots.get("choices"))
        except NotUnderstood as error:
            _again(row, str(error))
            return
        except Stop as end:
            _end(row, str(end))
            return
    _know(row, slot.name, value)
    row.slots["asked"] = [*row.slots["asked"], slot.name]
    _ask(row)


def _know(row: UssdSession, name: str, value: Any) -> None:
    row.slots["known"] = {**row.slots["known"], name: value}
    row.slots["order"] = [*row.slots["order"], name]


def _back(row: UssdSession) -> None:
    """To the question before, or to the menu."""
    asked = list(row.slots["asked"])
    if not asked:
        _home(row)
        return
    order = list(row.slots["order"])
    before = order[: order.index(asked.pop())]
    # What was found out after it goes with it: it may depend on the answer.
    row.slots["known"] = {name: row.slots["known"][name] for name in before}
    row.slots["order"], row.slots["asked"] = before, asked
    _ask(row)


def _end(row: UssdSession, words: str) -> None:
    """The last words; those that do not fit are sent by SMS."""
    if not fits(words):
        send("sms", row.address, key=f"ussd:{row.pk}:{len(row.path)}", text=words)
        foot = _("The rest comes by SMS.")
        while not fits(f"{words}\n{foot}"):
            words = _cut(words)
        words = f"{words}\n{foot}"
    _show(row, words, end=True)
