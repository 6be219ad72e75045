"""Reports by words, on any phone: REPORT, FOLLOW, and the answer to "is it solved?"."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits, text
from toguna.kernel.access import NOBODY
from toguna.services.reports import intake, sorting
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topic, topics

OTHER = "other"
ELSEWHERE = "elsewhere"
MOST = 5


def _short(words: str, most: int = 24) -> str:
    return words if len(words) <= most else words[: most - 3].rstrip() + "..."


def _contact(said: Said) -> dict[str, str]:
    return {"email": said.address} if "@" in said.address else {"phone": said.address}


# REPORT


def _what(said: Said, typed: str) -> str:
    words = text.clean(typed)
    if len(words) < 3:
        raise NotUnderstood
    return words[:4000]


def _sorted(said: Said) -> str | None:
    """The category that the words say, when they say one."""
    found = sorting.sure(sorting.ranked(said.slots["what"]))
    return found.slug if found else None


def _likely(said: Said) -> Sequence[Choice]:
    found = [t for _score, t in sorting.ranked(said.slots["what"])][:MOST]
    usual = [t for t in topics() if t.active and t not in found and t.slug != OTHER]
    offered = [*found, *usual][:MOST]
    choices = [Choice(t.slug, _short(text.pick(t.names))) for t in offered]
    if topic(OTHER) is not None:
        choices.append(Choice(OTHER, _("Something else")))
    return choices


def _all(said: Said) -> Sequence[Choice]:
    return [Choice(t.slug, text.pick(t.names)) for t in topics() if t.active]


def _place(hits: Sequence[territory.Hit]) -> dict[str, Any] | None:
    """What is kept of a place: the point when it is sure, else the places among which to choose."""
    if not hits:
        return None
    if hits[0].sure or len(hits) == 1:
        return {"lon": hits[0].lon, "lat": hits[0].lat, "words": str(hits[0])}
    return {"among": [[h.lon, h.lat, str(h)] for h in hits[:MOST]]}


def _found_in_words(said: Said) -> dict[str, Any] | None:
    words = territory.where_in(said.slots["what"])
    return _place(list(territory.geocode(words, limit=MOST))) if words else None


def _read_place(said: Said, typed: str) -> dict[str, Any]:
    found = _place(list(territory.geocode(typed, limit=MOST)))
    if found is None:
        raise NotUnderstood(
            _("We do not know this place. Send a landmark near it (a market, a mosque, a school) or the district.")
        )
    return {**found, "typed": text.clean(typed)[:200]}


def _unsure(said: Said) -> bool:
    return "among" in said.slots["place"]


def _which(said: Said) -> Sequence[Choice]:
    among = said.slots["place"]["among"][: MOST - 1]
    return [
        *(Choice(n, _short(words, 34)) for n, (_lon, _lat, words) in enumerate(among)),
        Choice(ELSEWHERE, _("None of these")),
    ]


def _point(said: Said) -> tuple[float, float, str] | None:
    """(lon, lat, words) as far as it is known."""
    place = said.slots["place"]
    if "lon" in place:
        return place["lon"], place["lat"], place["words"]
    which = said.slots.get("which")
    if isinstance(which, int):
        lon, lat, words = place["among"][which]
        return lon, lat, words
    other = said.slots.get("elsewhere") or {}
    return (other["lon"], other["lat"], other["words"]) if "lon" in other else None


def _read_again(said: Said, typed: str) -> dict[str, Any]:
    found = _read_place(said, typed)
    if "among" in found:  # asked twice already: the likeliest, and the words go with it for whoever reads
        lon, lat, words = found["among"][0]
        return {"lon": lon, "lat": lat, "words": words, "typed": found["typed"]}
    return found


def _near(said: Said) -> list[cases.Case]:
    point, chosen = _point(said), topic(said.slots["category"])
    return list(cases.near(chosen, point[0], point[1], limit=1)) if point and chosen else []


def _same(said: Said) -> str:
    case = _near(said)[0]
    return _("Somebody reported this nearby: “%(words)s”. Is it the same?") % {"words": _short(case.text, 60)}


def _more(said: Said) -> Sequence[Slot]:
    """The questions of the category that must be answered; the others are for screens."""
    chosen = topic(said.slots["category"])
    if chosen is None or said.slots.get("same"):
        return []
    if any(chosen.stop.values()):
        raise Stop(text.pick(chosen.stop))
    return [_question(q) for q in cases.questions_of(chosen.questions) if q.required]


def _question(question: cases.Question) -> Slot:
    def read(said: Said, typed: str) -> Any:
        row = next(r for r in _rows(said) if r["name"] == question.name)
        try:
            return cases.check_answers([row], lambda name: [typed]).get(question.name)
        except cases.Wrong as wrong:
            if wrong.stops:
                raise Stop(wrong.stops[0]) from wrong
            raise NotUnderstood(str(wrong)) from wrong

    def choices(said: Said) -> Sequence[Choice]:
        return [Choice(key, words) for key, words in question.choices()]

    return Slot(f"q_{question.name}", text.pick(question.label), read=read, choices=choices)


def _rows(said: Said) -> list[dict[str, Any]]:
    chosen = topic(said.slots["category"])
    return list(chosen.questions) if chosen else []


def _report(said: Said) -> str:
    slots = said.slots
    chosen = topic(slots["category"])
    if chosen is None:
        raise Stop(_("This category is closed. Choose another one."))
    if slots.get("same"):
        person = people.person_for(**_contact(said), language=said.language)
        case, counted = cases.support(_near(said)[0].pk, by=NOBODY, person=person.pk if person else None)
        words = _("Thank you: you are counted.") if counted else _("You are counted already.")
        return " ".join([words, _("Its code: %(code)s") % {"code": case.code}])
    point = _point(said)
    given = {name[2:]: value for name, value in slots.items() if name.startswith("q_")}
    answers = cases.check_answers(
        [row for row in chosen.questions if row["name"] in given], lambda name: _typed(given[name])
    )
    asked = cases.Asked(
        type=REPORT.name,
        topic=chosen,
        text=slots.get("what") or text.pick(chosen.names),
        place=str(slots["place"].get("typed") or slots["place"].get("words") or (point[2] if point else ""))[:300],
        lon=point[0] if point else None,
        lat=point[1] if point else None,
        answers=answers,
        language=said.language,
        channel=said.medium,
        client_id=uuid.uuid5(uuid.NAMESPACE_URL, said.key),
        phone="" if "@" in said.address else said.address,
        email=said.address if "@" in said.address else "",
    )
    try:
        case, _new = intake.take_from(said.address, asked)
    except (cases.Refused, limits.TooMany) as error:
        raise Stop(str(error)) from error
    values = {
        "topic": _short(text.pick(chosen.names), 30),
        "place": _short(point[2], 40) if point else "",
        "code": case.code,
    }
    if not point:
        return _("Received: %(topic)s. Code: %(code)s. To follow it: FOLLOW %(code)s") % values
    return _("Received: %(topic)s, %(place)s. Code: %(code)s. To follow it: FOLLOW %(code)s") % values


def _typed(value: Any) -> list[str]:
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]


def _claim(said: Said) -> float:
    found = sorting.ranked(said.text)
    return found[0][0] if found and len(said.text.split()) > 1 else 0.0


# Which of several places, and whether it is one that was reported already: asked only when it must be.
_WHERE = (
    Slot("which", gettext_lazy("Which place is it?"), choices=_which, when=_unsure),
    Slot(
        "elsewhere",
        gettext_lazy("Then where is it? Send another landmark, or the district."),
        read=_read_again,
        when=lambda said: said.slots.get("which") == ELSEWHERE,
    ),
    Slot(
        "same",
        _same,
        choices=lambda said: [Choice(True, _("Yes, the same")), Choice(False, _("No, another"))],
        when=lambda said: bool(_near(said)),
    ),
)

REPORT_BY_WORDS = Command(
    "report",
    gettext_lazy("report a problem"),
    {
        "fr": ("signaler", "signal", "signalement", "sgn", "sig", "probleme"),
        "pt": ("comunicar", "problema", "ocorrencia"),
        "en": ("report", "problem", "rpt"),
    },
    _report,
    slots=(
        Slot(
            "what",
            gettext_lazy("What is the problem, and where? For example: big hole in front of the Sainte Marie school"),
            read=_what,
            guess=lambda said: said.text if len(said.text.strip()) >= 3 else None,
        ),
        Slot("category", gettext_lazy("What is it about?"), choices=_likely, guess=_sorted),
        Slot(
            "place",
            gettext_lazy("Where is it? Send a landmark or the district."),
            read=_read_place,
            guess=_found_in_words,
        ),
        *_WHERE,
    ),
    menu_slots=(
        Slot("category", gettext_lazy("What is it about?"), choices=_all),
        Slot("place", gettext_lazy("Where is it? Type a landmark or the district."), read=_read_place),
        *_WHERE,
        Slot(
            "what",
            gettext_lazy("Say in a few words what you see."),
            read=_what,
            optional=True,
            when=lambda said: not said.slots.get("same"),
        ),
    ),
    more=_more,
    claim=_claim,
    example={
        "fr": "SIGNALER trou devant école Sainte Marie",
        "pt": "COMUNICAR buraco em frente da escola Santa Maria",
        "en": "REPORT hole in front of Sainte Marie school",
    },
    order=10,
)


def _mine(said: Said) -> list[cases.Case]:
    """The reports of this address, the newest first."""
    return [case for case in cases.of_address(said.address) if case.type == REPORT.name]


def _case(said: Said, typed: str) -> cases.Case:
    """The report with this code; the first letters are enough for one's own. Raises Stop."""
    case = cases.by_code(said.address, typed)
    if case is None or case.type != REPORT.name:
        raise Stop(_("No report has the code %(code)s. Check it letter by letter.") % {"code": _short(typed, 20)})
    return case


# "Is it solved?"


def _answerable(said: Said) -> cases.Case:
    """The report that a yes or a no is about: the one with the code, else the last that was closed or asked about."""
    words = said.text.split()
    if words and len(codes.read(words[0])) == 6:
        case = _case(said, words[0])
        if case.pk in {c.pk for c in _mine(said)}:
            return case
    mine = [c for c in _mine(said) if not c.open or c.asked]
    if not mine:
        raise Stop(_("There is no report of yours to answer about. To report a problem, send REPORT and what it is."))
    return max(mine, key=lambda c: c.closed or c.asked or c.created)


def _yes(said: Said) -> str:
    case = _answerable(said)
    transition = "confirm" if case.open else "thank"
    return _moved(case, transition, "", _("Thank you: %(code)s is solved.") % {"code": case.code})


def _no(said: Said) -> str:
    case = _answerable(said)
    words = said.text or _("The person says that it is not solved.")
    if case.open:
        cases.answer(case.pk, words, by=NOBODY, key=cases.key_of(case))
        return _("Thank you: the team reads your answer.")
    return _moved(case, "contest", words, _("Thank you: %(code)s is open again.") % {"code": case.code})


def _moved(case: cases.Case, transition: str, words: str, answer: str) -> str:
    """The phone that reported it has the right to answer, as the link in its messages has."""
    try:
        cases.move(case.pk, transition, by=NOBODY, words=words, key=cases.key_of(case))
    except cases.Refused as error:
        raise Stop(str(error)) from error
    return answer


YES = Command(
    "solved",
    gettext_lazy("say that it is solved"),
    {"fr": ("oui", "resolu", "merci"), "pt": ("sim", "resolvido", "obrigado"), "en": ("yes", "solved", "thanks")},
    _yes,
    example={"fr": "OUI K7M4XZ", "pt": "SIM K7M4XZ", "en": "YES K7M4XZ"},
    menu=False,
    order=30,
)
NO = Command(
    "unsolved",
    gettext_lazy("say that it is not solved"),
    {"fr": ("non", "pas resolu"), "pt": ("nao", "ainda nao"), "en": ("no", "not solved")},
    _no,
    example={"fr": "NON K7M4XZ le trou est toujours là", "pt": "NAO K7M4XZ", "en": "NO K7M4XZ it is still there"},
    menu=False,
    order=31,
)
COMMANDS = (REPORT_BY_WORDS, YES, NO)
