"""What is written of a request on its paper and in the register: words with {answers} in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.forms import api as forms
from toguna.kernel import text, town
from toguna.services.procedures.models import Procedure, Request

_PLACE = re.compile(r"\{([^{}\n]{1,200})\}")


class Answers:
    """The answers of a request, looked up by path ("applicant.name")."""

    def __init__(self, request: Request, language: str) -> None:
        self.filling = forms.Filling.objects.get(pk=request.filling)
        self.form = forms.definition_of(self.filling.version_id)
        self.language = language
        self.values: Mapping[str, Any] = self.filling.values
        case, today = request.case, timezone.localdate()
        self.known = {
            "procedure": text.pick(request.procedure.names, language), "code": case.code, "today": today,
            "year_end": date(today.year, 12, 31), "town": town.current().name,
        }  # fmt: skip

    def value(self, path: str) -> Any:
        """As it is kept; None when there is none."""
        if path in self.known:
            return self.known[path]
        found: Any = self.values
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def said(self, path: str) -> str:
        """In words."""
        value = self.value(path)
        if value in (None, "", []):
            return ""
        item = self.form.by_path.get(tuple(path.split(".")))
        return forms.said(self.form, item, value, self.language) if item is not None else str(value)

    def day(self, path: str) -> str:
        """ISO, of a date or a moment; "" for anything else."""
        value = self.value(path)
        if isinstance(value, date):
            return value.isoformat()
        item = self.form.by_path.get(tuple(path.split(".")))
        if value and item is not None and item.kind in ("date", "dateTime"):
            return datetime.fromisoformat(value).date().isoformat()
        return ""

    def fact(self, written: str) -> str:
        """One fact: "{a date}" alone stays a date, anything else is words."""
        alone = _PLACE.fullmatch(written.strip())
        if alone and (day := self.day(alone[1])):
            return day
        return self.words(written)

    def words(self, written: str) -> str:
        return " ".join(_PLACE.sub(lambda found: self.said(found[1]), written).split())


def facts(request: Request, language: str, wanted: Mapping[str, str]) -> dict[str, str]:
    """{field: words or ISO date}: what the procedure says is written; a field of which it says nothing takes the answer of
    the same name. wanted: {field: kind} of the paper."""
    answers = Answers(request, language)
    own: Mapping[str, str] = request.procedure.facts
    by_name = {item.name: ".".join(item.path) for item in answers.form.walk() if item.asked}
    found = {}
    for field in wanted or own:
        written = own.get(field) or ("{" + by_name[field] + "}" if field in by_name else "")
        found[field] = answers.fact(written) if written else ""
    return found


def entry(request: Request, language: str) -> tuple[dict[str, Any], str]:
    """(facts, text) of the entry in the register. "name_2" makes it of two people."""
    found: dict[str, Any] = {key: said for key, said in facts(request, language, {}).items() if said}
    if second := found.pop("name_2", ""):
        found["names"] = [found.pop("name", ""), second]
    words = text.pick(request.procedure.entry_words, language)
    return found, Answers(request, language).words(words)


def unknown(procedure: Procedure, definition: forms.Definition) -> list[str]:
    """Places of its facts and its entry that the form does not ask."""
    known = {".".join(item.path) for item in definition.walk()} | {"procedure", "code", "today", "year_end", "town"}
    said = [*procedure.facts.values(), *procedure.entry_words.values()]
    return sorted({place for words in said for place in _PLACE.findall(words)} - known)


def reporter(definition: forms.Definition, answers: Mapping[str, Any]) -> tuple[str, str, str]:
    """(name, phone, place) of who asks: what answers the questions that the town would fill in about them."""
    found = {"person.name": "", "person.phone": ""}
    place = ""
    for item in definition.walk():
        value: Any = answers
        for part in item.path:
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str) and item.prefill in found:
            found[item.prefill] = found[item.prefill] or value
        if isinstance(value, str) and item.name in ("place", "address"):
            place = place or value
    return found["person.name"], found["person.phone"], place


def point(definition: forms.Definition, answers: Mapping[str, Any]) -> tuple[float, float] | None:
    """The first place that was put on the map: lon, lat in degrees."""
    for item in definition.walk():
        if item.kind == "geopoint":
            value: Any = answers
            for part in item.path:
                value = value.get(part) if isinstance(value, Mapping) else None
            if value:
                return float(value[0]), float(value[1])
    return None


def flat(answers: Mapping[str, Any], at: str = "") -> dict[str, Any]:
    """{"applicant.name": ...}: what the conditions of a workflow look at. A list of rows stays one."""
    found: dict[str, Any] = {}
    for name, value in answers.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{at}{name}.")
        else:
            found[f"{at}{name}"] = value
    return found


def language_of(case: cases.Case) -> str:
    return case.language if case.language in town.current().languages else town.current().languages[0]
