"""A form as a conversation: the same definition asked by SMS or USSD, one short question at a time.

What is answered is written into the filling at once: a conversation that was dropped goes on days later, by telephone, at
the counter or on the web with its code. What a telephone cannot send (photos, files, drawings) is said at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.forms import actions, reads, values
from toguna.engines.forms.definition import LISTS, MEDIA, SILENT, Definition, Item
from toguna.engines.forms.models import Filling
from toguna.engines.forms.values import Filled, named
from toguna.engines.forms.web.drawing import Drawing
from toguna.engines.territory import api as territory
from toguna.kernel.access import SYSTEM
from toguna.kernel.text import clean, fold, pick

RESUMED = timedelta(days=30)
MOST_ROWS, MOST_CHOICES, LONGEST = 9, 20, 140
UNASKABLE = MEDIA | {"geotrace", "geoshape"}
Key = tuple[str | int, ...]


@dataclass(frozen=True)
class Talk:
    """service: whose forms (`Form.service`); offered(said): (slug of a form, words); find(said, typed): the slug that these
    words mean, None for none; begin(slug, said): opens the filling, or raises actions.Refused; done(filling): the last words."""

    service: str
    offered: Callable[[Said], Sequence[tuple[str, str]]]
    find: Callable[[Said, str], str | None]
    begin: Callable[[str, Said], Filling]
    done: Callable[[Filling], str]


def command(talk: Talk, *, name: str, title: Any, keywords: Mapping[str, tuple[str, ...]], **more: Any) -> Command:
    """The command by which the forms of a service are filled in on any phone."""

    def which(said: Said, typed: str) -> str:
        found = talk.find(said, typed)
        if found is None:
            raise NotUnderstood(_("We do not know this. Send one word of it, such as: birth, residence, taxi."))
        return found

    def before(said: Said) -> Filling | None:
        return _draft(said, said.slots["which"])

    def take_up(said: Said) -> Sequence[Choice]:
        return [Choice("yes", _("Go on")), Choice("no", _("Begin again"))]

    def opened(said: Said) -> dict[str, Any]:
        draft = before(said) if said.slots.get("again") == "yes" else None
        filling = draft or _begin(talk, said)
        filled = actions.evaluated(filling)
        # What the town wrote, and what was answered before, is not asked again.
        had = [
            named(key)
            for key, _item in _asked(reads.definition_of(filling.version_id), filled)
            if _answered(filled, key)
        ]
        return {"filling": filling.pk, "had": had}

    def choices(said: Said) -> Sequence[Choice]:
        return [Choice(slug, words[:34]) for slug, words in talk.offered(said)]

    def slots(which_slot: Slot) -> tuple[Slot, ...]:
        return (
            which_slot,
            Slot(
                "again",
                gettext_lazy("You had begun this. Go on?"),
                choices=take_up,
                when=lambda said: "form" not in said.slots and before(said) is not None,
            ),
            Slot("form", "", read=lambda said, typed: None, guess=opened),
        )

    asked = gettext_lazy("For what? Send one word: birth, residence, taxi...")
    return Command(
        name=name, title=title, keywords=keywords, run=lambda said: _run(talk, said), more=_more, holds=True,
        slots=slots(Slot("which", asked, read=which, guess=lambda said: talk.find(said, said.text) if said.text else None)),
        menu_slots=slots(Slot("which", gettext_lazy("For what?"), choices=choices)), **more,
    )  # fmt: skip


def _begin(talk: Talk, said: Said) -> Filling:
    try:
        return talk.begin(said.slots["which"], said)
    except actions.Refused as error:
        raise Stop(str(error)) from error


def _draft(said: Said, slug: str) -> Filling | None:
    """What this telephone had begun and not ended."""
    since = timezone.now() - RESUMED
    found = Filling.objects.filter(
        version__form__slug=slug,
        state=Filling.State.DRAFT,
        completed=None,
        updated__gt=since,
        channel__in=("sms", "ussd"),
    )
    return found.filter(facts__address=said.address).order_by("-pk").first()


def open_by_phone(form: Any, said: Said, *, subject: tuple[str, str] = ("", "")) -> Filling:
    """A filling of whoever holds this telephone: the questions about their number and name are answered already."""
    from_phone = {"person.phone": said.address} if "@" not in said.address else {"person.email": said.address}
    channel = said.medium if said.medium in ("sms", "ussd") else said.medium[:12]
    return actions.open_filling(
        form, by=SYSTEM, language=said.language, channel=channel, subject=subject,
        facts={**from_phone, "address": said.address},
    )  # fmt: skip


# --- Questions


def _asked(form: Definition, filled: Filled) -> list[tuple[Key, Item]]:
    """The questions that matter now, in order; a list comes first as itself: how many there are."""
    found: list[tuple[Key, Item]] = []

    def look(items: Sequence[Item], at: Key) -> None:
        for item in items:
            key = (*at, item.name)
            if item.kind in SILENT or item.kind == "note" or not filled.shown(key):
                continue
            if item.kind == "group":
                look(item.items, key)
            elif item.kind == "repeat":
                if not item.count:
                    found.append((key, item))
                for number in range(len(filled.value(key) or ())):
                    look(item.items, (*key, number))
            elif not item.read_only:
                found.append((key, item))

    look(form.items, ())
    return found


def _answered(filled: Filled, key: Key) -> bool:
    return filled.value(key) not in (None, "", [])


def _filling(said: Said) -> Filling:
    found = Filling.objects.filter(pk=said.slots["form"]["filling"]).select_related("version__form").first()
    if found is None or found.state == Filling.State.COMPLETE:
        raise Stop(_("This was sent already."))
    return found


def _more(said: Said) -> Sequence[Slot]:
    """The questions so far, and the next."""
    filling = _settled(said, _filling(said))
    form = reads.definition_of(filling.version_id)
    filled = actions.evaluated(filling)
    had = set(said.slots["form"]["had"])
    slots: list[Slot] = []
    rows = [(key, item) for key, item in _asked(form, filled) if item.kind not in UNASKABLE and named(key) not in had]
    for place, (key, item) in enumerate(rows, 1):
        slots.append(_slot(form, filled, key, item, f"{place}/{len(rows)}"))
        if named(key) not in said.slots:
            break
    return slots


def _slot(form: Definition, filled: Filled, key: Key, item: Item, place: str) -> Slot:
    def ask(said: Said) -> str:
        return _question(form, filled, key, item, said.language, place)

    def read(said: Said, typed: str) -> Any:
        return _keep(said, key, item, typed)

    def offered(said: Said) -> Sequence[Choice]:
        if item.kind == "acknowledge":
            return [Choice(True, _("Yes")), Choice(False, _("No"))]
        return [Choice(one.name, pick(one.label, said.language) or one.name) for one in filled.choices(item, key)]

    choices = offered if item.kind in ("select_one", "acknowledge") else None
    optional = item.kind == "repeat" or not filled.required(key)
    return Slot(named(key), ask, read=read, choices=choices, optional=optional, most=MOST_CHOICES)


def _question(form: Definition, filled: Filled, key: Key, item: Item, language: str, place: str) -> str:
    """ "3/9 The child: Sex?", cut to fit."""
    drawing = Drawing(form, filled, language)
    words = drawing.words(item.label, key) or item.name
    above = form.by_path.get(item.path[:-1])
    group = pick(above.label, language) if above is not None else ""
    numbers = [step for step in key if isinstance(step, int)]
    if numbers:
        group = f"{group} {numbers[-1] + 1}".strip()
    if item.kind == "repeat":
        words = _("%(what)s: how many? (0 to %(most)d)") % {"what": words, "most": MOST_ROWS}
    hint = {
        "date": _("day/month/year"), "dateTime": _("day/month/year hour:minutes"), "time": _("hour:minutes"),
        "select_multiple": _("numbers, with spaces"), "rank": _("numbers in order"), "geopoint": _("a landmark or district"),
    }.get(item.kind, "")  # fmt: skip
    if item.kind in ("select_multiple", "rank"):
        offered = [pick(one.label, language) or one.name for one in filled.choices(item, key)]
        words = "\n".join([words, *(f"{n} {one}" for n, one in enumerate(offered, 1))])
    if hint:
        words = f"{words} ({hint})"
    if item.kind != "repeat" and not filled.required(key):
        words = " ".join([words, "(" + _("0: skip") + ")"])
    whole = f"{place} {group}: {words}" if group else f"{place} {words}"
    return whole if len(whole) <= LONGEST or item.kind in LISTS else f"{place} {words}"


def script(form: Definition, language: str) -> tuple[list[tuple[str, list[str], str]], list[str]]:
    """For who writes the form: (words, choices, the condition of it) of each question as it is sent, those that are not
    always asked too; and the titles of what a phone cannot give, brought to the counter."""
    filled = values.evaluate(form, {}, now=timezone.localtime(), language=language, fresh=True)
    rows = [item for item in form.walk() if item.asked or (item.kind == "repeat" and not item.count)]
    asked = [item for item in rows if item.kind not in UNASKABLE and not item.read_only]
    found = []
    for place, item in enumerate(asked, 1):
        key: Key = tuple(item.path)
        words = _question(form, filled, key, item, language, f"{place}/{len(asked)}")
        choices = [pick(one.label, language) or one.name for one in form.choices.get(item.list, ())[:MOST_CHOICES]]
        above = [form.by_path[item.path[: n + 1]] for n in range(len(item.path))]
        only = " and ".join(f"({one.relevant})" if len(above) > 1 else one.relevant for one in above if one.relevant)
        found.append(
            (words, choices if item.kind == "select_one" else [], only.strip("()") if only.count("(") == 1 else only)
        )
    return found, [pick(item.label, language) or item.name for item in rows if item.kind in UNASKABLE]


# --- Answers


def _keep(said: Said, key: Key, item: Item, typed: str) -> Any:
    """Reads what was typed, checks it in its place, writes it into the filling. Raises NotUnderstood."""
    filling = _filling(said)
    filled = actions.evaluated(filling)
    if item.kind == "repeat":
        value: Any = _rows(typed)
    else:
        try:
            value = _value(filled, key, item, typed, said.language)
        except values.Wrong as wrong:
            raise NotUnderstood(str(wrong)) from wrong
    kept, _after, errors = _write(filling, key, value)
    if told := errors.get(named(key), ""):
        _write(kept, key, None)
        raise NotUnderstood(told)
    return True


def _settled(said: Said, filling: Filling) -> Filling:
    """Choices that were made by their number are known to the conversation alone: they are written here."""
    form = reads.definition_of(filling.version_id)
    for dotted, value in said.slots.items():
        key: Key = tuple(int(step) if step.isdecimal() else step for step in dotted.split("."))
        item = form.by_path.get(tuple(step for step in key if isinstance(step, str)))
        if item is None or item.kind not in ("select_one", "acknowledge"):
            continue
        wanted = (value if isinstance(value, str) else None) if item.kind == "select_one" else (value or None)
        if wanted is not None and actions.evaluated(filling).value(key) != wanted:
            filling, _filled, _errors = _write(filling, key, wanted)
    return filling


def _write(filling: Filling, key: Key, value: Any) -> tuple[Filling, Filled, dict[str, str]]:
    top = str(key[0])
    answers = {top: _with(filling.values, key, value).get(top)}
    return actions.save(filling, answers, by=SYSTEM, revision=filling.revision)


def _rows(typed: str) -> list[dict[str, Any]]:
    number = clean(typed)
    if not number.isdecimal() or int(number) > MOST_ROWS:
        raise NotUnderstood(_("Send a number from 0 to %(most)d.") % {"most": MOST_ROWS})
    return [{} for _n in range(int(number))]


def _value(filled: Filled, key: Key, item: Item, typed: str, language: str) -> Any:
    offered = filled.choices(item, key) if item.kind in LISTS else ()
    if item.kind == "select_one":
        asked = fold(typed)
        alike = [one.name for one in offered if asked and asked in fold(pick(one.label, language) or one.name)]
        exact = [one.name for one in offered if fold(pick(one.label, language)) == asked]
        found = exact or alike
        if len(found) != 1:
            raise values.Wrong(_("Send the number of one of these."))
        return found[0]
    if item.kind in ("select_multiple", "rank"):
        numbers = clean(typed).replace(",", " ").split()
        if not all(n.isdecimal() and 1 <= int(n) <= len(offered) for n in numbers):
            raise values.Wrong(_("Send the numbers, with spaces: 1 3"))
        return [offered[int(n) - 1].name for n in dict.fromkeys(numbers)]
    if item.kind == "geopoint":
        hits = territory.geocode(typed, language=language or None, limit=3)
        if not hits:
            raise values.Wrong(_("We do not know this place. Send a landmark near it, or the district."))
        return [hits[0].lon, hits[0].lat]
    return values.clean(item, [typed], language)


def _with(answers: Mapping[str, Any], key: Key, value: Any) -> dict[str, Any]:
    """The answers with one more; None takes it away."""
    if len(key) == 1:
        return {**answers, str(key[0]): value}
    name, rest = str(key[0]), key[1:]
    inner = answers.get(name)
    if isinstance(rest[0], int):
        rows = [dict(row) for row in (inner or [])]
        while len(rows) <= rest[0]:
            rows.append({})
        rows[rest[0]] = {k: v for k, v in _with(rows[rest[0]], rest[1:], value).items() if v is not None}
        return {**answers, name: rows}
    return {**answers, name: {k: v for k, v in _with(inner or {}, rest, value).items() if v is not None}}


# --- The end


def _run(talk: Talk, said: Said) -> str:
    filling = _filling(said)
    form = reads.definition_of(filling.version_id)
    filled = actions.evaluated(filling)
    lacking = [
        pick(item.label, said.language) or item.name
        for key, item in _asked(form, filled)
        if item.kind in UNASKABLE and filled.required(key) and not _answered(filled, key)
    ]
    if lacking:
        return _("It is kept. Bring to the counter: %(what)s. Your code: %(code)s") % {
            "what": ", ".join(lacking), "code": filling.code,
        }  # fmt: skip
    try:
        return talk.done(actions.complete(filling, by=SYSTEM))
    except actions.Invalid as invalid:
        said_ = next(iter(invalid.errors.values()))
        return _("It is kept, but not sent: %(why)s Come to the counter with the code %(code)s.") % {
            "why": said_, "code": filling.code,
        }  # fmt: skip
    except actions.Refused as refused:
        raise Stop(str(refused)) from refused
