"""How the requests of a procedure are decided: a pattern, with this procedure's fee and paper in it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from toguna.engines.cases import api as cases
from toguna.kernel.access import Actor
from toguna.services.procedures import ready
from toguna.services.procedures.casetype import REQUEST
from toguna.services.procedures.models import Procedure

PAPER = "paper"  # stands in a pattern for the fee and the document of the procedure


def slug_of(procedure: Procedure) -> str:
    """The name of its workflow among all of the town's."""
    return f"procedures-{procedure.slug}"[:60]


def pattern_of(procedure: Procedure) -> Mapping[str, Any] | None:
    """The pattern it follows, as the town changed it; None when it names none."""
    return procedure.steps or ready.workflows().get(procedure.pattern)


def made(procedure: Procedure) -> dict[str, Any] | None:
    """The definition of its workflow (see docs/workflow.md): the fee is the procedure's cost, the document its paper or its
    entry. Without a cost there is no fee, without a paper no document."""
    pattern = pattern_of(procedure)
    if pattern is None:
        return None
    definition = {key: deepcopy(value) for key, value in pattern.items() if key != "titles"}
    document = procedure.paper or ("entry" if procedure.register else "")
    for one in definition["transitions"]:
        if one.get("fee") == PAPER:
            del one["fee"]
            if procedure.cost:
                one["fee"] = {"name": "paper", "title": procedure.names, "amount": procedure.cost}
        if one.get("document") == PAPER:
            del one["document"]
            if document:
                one["document"] = document
    return definition


def publish(procedure: Procedure, *, by: Actor) -> None:
    """Makes it count for the requests that come from now on. Raises cases.Unsound, Denied."""
    definition = made(procedure)
    if definition is not None:
        cases.publish_workflow(slug_of(procedure), definition, by=by, type=REQUEST.name)
