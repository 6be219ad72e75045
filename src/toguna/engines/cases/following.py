"""FOLLOW: where anything that was asked of the town is, by its code or by the number that asked, on any phone."""

from __future__ import annotations

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from toguna.engines.cases.definition import workflow_of
from toguna.engines.cases.models import Case
from toguna.engines.cases.reads import timeline
from toguna.engines.cases.workflow import CaseType
from toguna.engines.channels.api import Command, Said, Slot, Stop
from toguna.engines.people import api as people
from toguna.kernel import codes, registry, text
from toguna.kernel.access import Permission

MOST = 20
LETTERS = 6


def _short(words: str, most: int = 24) -> str:
    return words if len(words) <= most else words[: most - 3].rstrip() + "..."


def told_types() -> list[str]:
    """The types of which anything is told to who has a code: not those that even the town hall reads under seal."""
    sealed = {one.name for one in registry.declared(Permission) if one.sealed}
    return [kind.name for kind in registry.declared(CaseType) if kind.read not in sealed]


def of_address(address: str) -> list[Case]:
    """What this telephone or e-mail asked for, the newest first."""
    ids = people.persons_at(address)
    found = Case.objects.filter(reporter__in=ids, type__in=told_types())
    return list(found.select_related("topic").order_by("-id")[:MOST])


def by_code(address: str, typed: str) -> Case | None:
    """The case with this code; of one's own the first letters are enough."""
    code = codes.read(typed)
    if len(code) >= LETTERS:
        found = Case.objects.filter(type__in=told_types(), code=code[:LETTERS]).select_related("topic").first()
        if found is not None:
            return found
    own = [case for case in of_address(address) if case.code.startswith(code)] if len(code) >= 3 else []
    return own[0] if len(own) == 1 else None


def _follow(said: Said) -> str:
    typed, mine = said.slots.get("code"), of_address(said.address)
    if typed:
        case = by_code(said.address, typed)
        if case is None:
            raise Stop(
                _("Nothing here has the code %(code)s. Check it letter by letter.") % {"code": _short(typed, 20)}
            )
    elif mine:
        case = mine[0]
    else:
        raise Stop(_("Nothing was asked from this number. Send FOLLOW and the code."))
    words = f"{case.code} {_short(text.pick(case.topic.names), 30)}: {workflow_of(case).state(case.state).title}."
    own = case.pk in {one.pk for one in mine}
    last = timeline(case).exclude(text="").last() if case.public or own else None
    if last is not None:
        words += f" {_short(last.text, 80)}"
    if case.open and case.due and case.stopped is None:
        words += " " + _("Expected before %(day)s.") % {"day": case.due.strftime("%d/%m/%Y")}
    others = len(mine) - 1 if not typed else 0
    if others > 0:
        words += " " + ngettext("You have %(n)d other.", "You have %(n)d others.", others) % {"n": others}
    return words


def _is_code(said: Said) -> float:
    """Six letters and figures alone are a code; a word of six letters is one only when it exists."""
    words = said.text.split()
    code = codes.read(said.text)
    if len(code) != LETTERS or sum(map(len, words)) > 8 or len(words) > 2:
        return 0.0
    return 1.0 if Case.objects.filter(type__in=told_types(), code=code).exists() else 0.0


FOLLOW = Command(
    "follow",
    gettext_lazy("follow my request"),
    {
        "fr": ("suivi", "suivre", "ou en est", "svi"),
        "pt": ("seguir", "estado", "acompanhar"),
        "en": ("follow", "status", "track"),
    },
    _follow,
    slots=(
        Slot(
            "code",
            gettext_lazy("Send the code of your request."),
            read=lambda said, typed: typed,
            guess=lambda said: said.text.strip() or ("" if of_address(said.address) else None),
        ),
    ),
    claim=_is_code,
    example={"fr": "SUIVI K7M4XZ", "pt": "SEGUIR K7M4XZ", "en": "FOLLOW K7M4XZ"},
    order=20,
)
