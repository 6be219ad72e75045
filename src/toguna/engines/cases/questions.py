"""The extra questions of a topic: "how many lamps are out?". Data of the town, asked on every channel.

A question is {"name": "lamps", "kind": "number", "label": {language: words}, "help": {...}, "required": false,
"values": [{"key": "one", "name": {language: words}, "stop": {language: words}}]}. Kinds are those of Open311 and a yes or
no. A value with `stop` says that this is not for the town: its words are shown and nothing is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from toguna.kernel import text
from toguna.kernel.text import Words

KINDS = ("string", "text", "number", "datetime", "boolean", "singlevaluelist", "multivaluelist")
LISTS = ("singlevaluelist", "multivaluelist")
LONGEST = {"string": 200, "text": 2000}
MOST = 12
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Value:
    key: str
    name: Words
    stop: Words


@dataclass(frozen=True)
class Question:
    name: str
    kind: str
    label: Words
    help: Words
    required: bool
    values: tuple[Value, ...]

    def choices(self) -> list[tuple[str, str]]:
        """(key, words) of what can be answered, for lists and for a yes or no."""
        if self.kind == "boolean":
            return [(YES, _("Yes")), (NO, _("No"))]
        return [(v.key, text.pick(v.name)) for v in self.values]


class Wrong(Exception):
    """Answers that cannot be taken. `errors`: {question's name: a sentence}; `stops`: what to do instead, when an answer
    says that this is not for the town."""

    def __init__(self, errors: Mapping[str, str], stops: Sequence[str] = ()) -> None:
        super().__init__(" ".join([*errors.values(), *stops]))
        self.errors, self.stops = dict(errors), list(stops)


def questions(rows: Sequence[Mapping[str, Any]]) -> tuple[Question, ...]:
    """What `Topic.questions` holds, as Questions."""
    return tuple(
        Question(
            name=row["name"],
            kind=row["kind"],
            label=row.get("label", {}),
            help=row.get("help", {}),
            required=bool(row.get("required")),
            values=tuple(Value(v["key"], v.get("name", {}), v.get("stop", {})) for v in row.get("values", ())),
        )
        for row in rows
    )


def problems(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is wrong with questions that somebody wrote, in words for them."""
    if len(rows) > MOST:
        yield _("These are too many questions: %(most)d at most.") % {"most": MOST}
    names = [str(row.get("name", "")) for row in rows]
    for row, name in zip(rows, names, strict=True):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", name):
            yield _("“%(name)s”: a name is a letter, then small letters, digits and _.") % {"name": name}
        if names.count(name) > 1:
            yield _("“%(name)s” is there twice.") % {"name": name}
        if row.get("kind") not in KINDS:
            yield _("“%(name)s”: choose what kind of answer it takes.") % {"name": name}
        if not any(row.get("label", {}).values()):
            yield _("“%(name)s”: write the question in one language at least.") % {"name": name}
        keys = [str(v.get("key", "")) for v in row.get("values", ())]
        if row.get("kind") in LISTS and (len(keys) < 1 or len(set(keys)) < len(keys) or not all(keys)):
            yield _("“%(name)s”: give its choices, each with a key of its own.") % {"name": name}


def checked(rows: Sequence[Mapping[str, Any]], given: Callable[[str], Sequence[str]]) -> dict[str, Any]:
    """The answers, by name: str, number, bool, or list of keys; those not given are left out.

    given(name) gives what was typed or chosen for it, as strings. Raises Wrong with an error for each question.
    """
    answers: dict[str, Any] = {}
    errors: dict[str, str] = {}
    stops: list[str] = []
    for question in questions(rows):
        typed = [cleaned for value in given(question.name) if (cleaned := text.clean(value))]
        if not typed:
            if question.required:
                errors[question.name] = _("Answer this question: “%(question)s”") % {
                    "question": text.pick(question.label)
                }
            continue
        try:
            answers[question.name] = _read(question, typed)
        except ValueError as error:
            errors[question.name] = f"{text.pick(question.label)}: {error}"
            continue
        if question.kind in LISTS:
            stops += [words for v in question.values if v.key in typed and (words := text.pick(v.stop))]
    if errors or stops:
        raise Wrong(errors, stops)
    return answers


def _read(question: Question, typed: Sequence[str]) -> Any:
    """One answer as it is kept. Raises ValueError with a sentence."""
    match question.kind:
        case "number":
            try:
                number = Decimal(typed[0].replace("\u202f", "").replace(" ", "").replace(",", "."))
            except InvalidOperation:
                raise ValueError(_("type a number, for example 3.")) from None
            if not number.is_finite() or abs(number) > 10**12:
                raise ValueError(_("this number is too large."))
            return int(number) if number == number.to_integral_value() else float(number)
        case "datetime":
            try:
                moment: date | None = parse_date(typed[0]) or parse_datetime(typed[0])
            except ValueError:
                moment = None
            if moment is None:
                raise ValueError(_("type a date as 2026-11-23."))
            return moment.isoformat()
        case "boolean":
            if typed[0] not in (YES, NO, "true", "false", "1", "0"):
                raise ValueError(_("answer yes or no."))
            return typed[0] in (YES, "true", "1")
        case "singlevaluelist" | "multivaluelist":
            known = {v.key for v in question.values}
            if not known.issuperset(typed) or (question.kind == "singlevaluelist" and len(typed) > 1):
                raise ValueError(_("choose from the list."))
            return typed[0] if question.kind == "singlevaluelist" else list(dict.fromkeys(typed))
        case _:
            return typed[0][: LONGEST.get(question.kind, 200)]


def shown(rows: Sequence[Mapping[str, Any]], answers: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(question, answer) in words, for who reads a case; answers to questions that are there no more come last."""
    found = []
    for question in questions(rows):
        if question.name not in answers:
            continue
        answer, names = answers[question.name], dict(question.choices())
        if question.kind == "boolean":
            answer = YES if answer else NO
        words = [names.get(str(a), str(a)) for a in (answer if isinstance(answer, list) else [answer])]
        found.append((text.pick(question.label), ", ".join(words)))
    known = {row["name"] for row in rows}
    return found + [(name, str(value)) for name, value in answers.items() if name not in known]
