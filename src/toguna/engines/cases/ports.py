"""What `cases` needs of rooms above it, which declare it: the money of a fee, the paper of a decision, the words of a case."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from toguna.engines.cases.models import Case
from toguna.kernel.access import Actor
from toguna.kernel.manifest import Declaration


@dataclass(frozen=True)
class FeePort(Declaration):
    """The ledger: `due(case id, fee name, amount in minor units)` says whether it is paid. Without one, the clerk at the
    counter writes the number of the receipt (`asking.record_payment`)."""

    name: str
    due: Callable[[int, str, int], bool]


@dataclass(frozen=True)
class Issuer(Declaration):
    """name: the case type; `issue(case, document template's name, actor)` makes the paper in the caller's transaction and gives its number."""

    name: str
    issue: Callable[[Case, str, Actor], str]


def _nothing(_case: Case) -> Sequence[tuple[str, str]]:
    return ()


def _no_words(_case: Case, _request: HttpRequest) -> str:
    return ""


@dataclass(frozen=True)
class CaseRenderer(Declaration):
    """name: the case type; `rows(case)` gives (question, answer) in the reader's language, an answer may be safe HTML;
    `pieces(case)`: (name, title) of all that the applicant can be asked to complete; `aside(case, request)`: safe HTML that
    the service adds to the page in the back office."""

    name: str
    rows: Callable[[Case], Sequence[tuple[str, str]]]
    pieces: Callable[[Case], Sequence[tuple[str, str]]] = _nothing
    aside: Callable[[Case, HttpRequest], str] = _no_words
