"""A workflow as data (JSON) read into the same table as one that is declared in code. See docs/workflow.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from django.utils.functional import lazy

from toguna.engines.cases import conditions
from toguna.engines.cases.models import Case, Workflow
from toguna.engines.cases.workflow import (
    LAW,
    CaseType,
    Fee,
    Opinions,
    Silence,
    State,
    Transition,
    Wanted,
    case_type,
)
from toguna.kernel import access
from toguna.kernel.text import pick
from toguna.kernel.workdays import MOST_DAYS

MOST_STATES, MOST_TRANSITIONS, MOST_BYTES, MOST_OPINIONS = 40, 120, 200_000, 12
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_KEYS = {
    "workflow": {"initial", "days", "states", "transitions"},
    "state": {"name", "title", "kind", "icon", "days", "silence", "escalate", "stops"},
    "transition": {
        "name", "verb", "from", "to", "who", "ask", "icon", "when", "opinions", "fee", "document", "returns", "message",
    },
}  # fmt: skip


class Unsound(ValueError):
    """The definition has problems; `problems` lists them all."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


_said = lazy(pick, str)  # the town's words, in the language of whoever reads


def workflow_of(case: Case) -> CaseType:
    """The table that this case follows: the version under which it was opened, or that of its type."""
    return case_type(case.type) if case.workflow_id is None else _loaded(case.workflow_id)


@lru_cache(maxsize=500)
def _loaded(pk: int) -> CaseType:
    """A published version never changes: once read, it is kept."""
    row = Workflow.objects.get(pk=pk)
    return read(row.definition, case_type(row.case_type))


def read(definition: Mapping[str, Any], kind: CaseType) -> CaseType:
    """The table of a definition; permissions and pages are those of its case type. Raises Unsound."""
    if found := list(_shape(definition)):
        raise Unsound(found)
    table = replace(
        kind,
        states=tuple(_state(one) for one in definition["states"]),
        transitions=tuple(_transition(one, kind) for one in definition["transitions"]),
        initial=definition["initial"],
        days=definition.get("days"),
        merged="",
    )
    if found := list(table.problems()):
        raise Unsound(found)
    return table


def workflow_problems(definition: Any, type_name: str = "") -> list[str]:
    """All that is wrong with a definition, in plain words; [] when it can be published."""
    kind = case_type(type_name) if type_name else ANY
    try:
        read(definition, kind)
    except Unsound as error:
        return error.problems
    return []


ANY = CaseType("any", "", (), (), "", "cases.read", "cases.assign", "", "")


def _state(raw: Mapping[str, Any]) -> State:
    silence = raw.get("silence")
    return State(
        raw["name"], _said(raw["title"]), raw["kind"], raw.get("icon", "clock"), raw.get("days"),
        Silence(silence["days"], silence["take"]) if silence else None, raw.get("escalate", ""), raw.get("stops", False),
    )  # fmt: skip


def _transition(raw: Mapping[str, Any], kind: CaseType) -> Transition:
    how, _colon, what = raw["who"].partition(":")
    permission = {"permission": what, LAW: LAW, "team": kind.read}.get(how, kind.assign)
    asked, fee = raw.get("opinions"), raw.get("fee")
    opinions = None
    if asked:
        wanted = tuple(Wanted(one["team"], one["days"], one.get("required", True)) for one in asked["of"])
        opinions = Opinions(wanted, asked.get("silent", "favourable"))
    return Transition(
        raw["name"], _said(raw["verb"]), frozenset(raw["from"]), raw["to"], permission, raw.get("ask", "maybe"),
        raw.get("icon", "arrow"), how == "applicant", what if how == "team" else "", what if how == "role" else "",
        raw.get("when"), opinions, Fee(fee["name"], _said(fee["title"]), fee["amount"]) if fee else None,
        raw.get("document", ""), tuple(raw.get("returns", ())), raw.get("message", {}),
    )  # fmt: skip


def _shape(definition: Any) -> Iterator[str]:
    """Whether it can be read at all. What it means is the table's own question (`CaseType.problems`)."""
    if not isinstance(definition, dict):
        yield "a workflow is an object with initial, states and transitions"
        return
    if len(json.dumps(definition, default=str)) > MOST_BYTES:
        yield f"it is larger than {MOST_BYTES} bytes"
        return
    yield from _unknown("workflow", definition)
    yield from _days(definition.get("days"), "the workflow")
    if not isinstance(definition.get("initial"), str):
        yield "initial: the name of the first state"
    for key, most, look in (
        ("states", MOST_STATES, _state_shape),
        ("transitions", MOST_TRANSITIONS, _transition_shape),
    ):
        rows = definition.get(key)
        if not isinstance(rows, list) or len(rows) > most or (key == "states" and not rows):
            yield f"{key}: a list of {most} at most"
            continue
        for row in rows:
            if not isinstance(row, dict) or not _named(row.get("name")):
                yield f"{key}: each has a name of small letters, digits, - and _"
            else:
                yield from look(row)


def _state_shape(row: Mapping[str, Any]) -> Iterator[str]:
    where = f"state {row['name']!r}"
    yield from _unknown("state", row)
    yield from _words(row.get("title"), f"{where}: title")
    yield from _days(row.get("days"), where)
    if row.get("kind") not in ("open", "waiting", "done", "refused"):
        yield f"{where}: kind is open, waiting, done or refused"
    if not isinstance(row.get("stops", False), bool) or not isinstance(row.get("escalate", ""), str):
        yield f"{where}: stops is true or false, escalate a team"
    silence = row.get("silence")
    if silence is not None and not (
        isinstance(silence, dict) and silence.keys() == {"days", "take"} and isinstance(silence["take"], str)
        and not list(_days(silence["days"], "")) and silence["days"]
    ):  # fmt: skip
        yield f"{where}: silence is {{days, take}}"


def _transition_shape(row: Mapping[str, Any]) -> Iterator[str]:
    where = f"transition {row['name']!r}"
    yield from _unknown("transition", row)
    yield from _words(row.get("verb"), f"{where}: verb")
    if not _texts(row.get("from")) or not row["from"] or not isinstance(row.get("to"), str):
        yield f"{where}: from is a list of states, to is one"
    yield from _who(row.get("who"), where)
    if row.get("ask", "maybe") not in ("yes", "maybe", "no"):
        yield f"{where}: ask is yes, maybe or no"
    for problem in conditions.problems(row.get("when")):
        yield f"{where}: {problem}"
    yield from _opinion_shape(row.get("opinions"), where)
    fee = row.get("fee")
    if fee is not None:
        amount = fee.get("amount") if isinstance(fee, dict) else None
        if (
            not isinstance(fee, dict)
            or not _named(fee.get("name"))
            or type(amount) is not int
            or not 0 < amount < 10**12
        ):
            yield f"{where}: fee is {{name, title, amount}}"
        else:
            yield from _words(fee.get("title"), f"{where}: fee")
    if not isinstance(row.get("document", ""), str) or not _texts(row.get("returns", [])):
        yield f"{where}: document is a template's name, returns a list of answers and pieces"
    if row.get("message"):
        yield from _words(row["message"], f"{where}: message")


def _who(who: Any, where: str) -> Iterator[str]:
    how, _colon, what = who.partition(":") if isinstance(who, str) else ("", "", "")
    if how == "role":
        if what not in access.ROLES:
            yield f"{where}: {what!r} is no role: use one of {', '.join(access.ROLES)}"
    elif (how in ("permission", "team") and not what) or how not in ("permission", "team", "staff", "applicant", LAW):
        yield f"{where} says nothing of who may take it: staff, permission:…, team:…, role:…, applicant or law"


def _opinion_shape(asked: Any, where: str) -> Iterator[str]:
    if asked is None:
        return
    of = asked.get("of") if isinstance(asked, dict) else None
    if (
        not isinstance(of, list)
        or not 1 <= len(of) <= MOST_OPINIONS
        or asked.get("silent", "favourable") not in ("favourable", "waiting")
    ):
        yield f"{where}: opinions is {{of: [{{team, days}}], silent: favourable or waiting}}, {MOST_OPINIONS} teams at most"
        return
    teams = [one.get("team") if isinstance(one, dict) else None for one in of]
    if not all(isinstance(team, str) and team for team in teams) or len(set(map(str, teams))) != len(teams):
        yield f"{where}: opinions: each team once"
        return
    for one in of:
        yield from _days(one.get("days", 0), f"{where}: opinions")
        if not one.get("days") or not isinstance(one.get("required", True), bool):
            yield f"{where}: opinions: each has its days; required is true or false"


def _unknown(what: str, row: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(map(str, row.keys() - _KEYS[what])):
        yield f"{what}: {key!r} is not known"


def _words(words: Any, where: str) -> Iterator[str]:
    if not (
        isinstance(words, dict)
        and any(words.values())
        and all(isinstance(w, str) and len(w) < 2000 for w in words.values())
    ):
        yield f"{where}: words in one language at least"


def _days(days: Any, where: str) -> Iterator[str]:
    if days is not None and (type(days) is not int or not 0 <= days <= MOST_DAYS):
        yield f"{where}: days is a number up to {MOST_DAYS}"


def _named(name: Any) -> bool:
    return isinstance(name, str) and bool(_NAME.fullmatch(name))


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) and one for one in value)
