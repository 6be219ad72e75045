"""What a case of some type can become: a table, declared by the service that brings the type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

Kind = Literal["open", "waiting", "done", "refused"]


@dataclass(frozen=True)
class State:
    """kind: "open" and "waiting" still ask for work, "done" and "refused" do not; title: lazy text; icon: a pictogram."""

    name: str
    title: Any
    kind: Kind
    icon: str = "clock"

    @property
    def open(self) -> bool:
        return self.kind in ("open", "waiting")


@dataclass(frozen=True)
class Transition:
    """From any of `sources` to `target`, by whoever has `permission`. `verb` is what its button says. `ask` says whether
    words for the public are needed ("yes"), welcome ("maybe") or not asked for ("no"). `reporter`: it is the person who
    opened the case who takes it, not the town hall."""

    name: str
    verb: Any
    sources: frozenset[str]
    target: str
    permission: str
    ask: Literal["yes", "maybe", "no"] = "maybe"
    icon: str = "arrow"
    reporter: bool = False


@dataclass(frozen=True)
class CaseType(Declaration):
    """A kind of case. `read`: the permission to see one that is not public, and its reporter; `assign`: to give it to
    somebody; `merged`: the state of a case that turned out to be the same as another ("": none is ever merged);
    `moderate`, `set_up`: to hide what should not be seen, and to change its topics, rules and templates;
    `public_url`: the name of its public page, which takes the code; `desk_url`: of its page in the back office."""

    name: str
    title: Any
    states: tuple[State, ...]
    transitions: tuple[Transition, ...]
    initial: str
    read: str
    assign: str
    public_url: str
    desk_url: str
    merged: str = ""
    moderate: str = ""
    set_up: str = ""

    def state(self, name: str) -> State:
        return next(s for s in self.states if s.name == name)

    def transition(self, name: str) -> Transition | None:
        return next((t for t in self.transitions if t.name == name), None)

    def possible(self, state: str, *, reporter: bool = False) -> list[Transition]:
        """The transitions that leave that state, for the town hall or for the person who opened the case."""
        return [t for t in self.transitions if state in t.sources and t.reporter == reporter]

    def problems(self) -> Iterator[str]:
        names = [s.name for s in self.states]
        if len(set(names)) != len(names):
            yield "a state is named twice"
        if self.initial not in names:
            yield f"the initial state {self.initial!r} is not one of its states"
        verbs = [t.name for t in self.transitions]
        if len(set(verbs)) != len(verbs):
            yield "a transition is named twice"
        for transition in self.transitions:
            for state in (*transition.sources, transition.target):
                if state not in names:
                    yield f"transition {transition.name!r} names an unknown state {state!r}"
        if self.merged and self.merged not in names:
            yield f"the state of what is merged, {self.merged!r}, is not one of its states"
        reached, grew = {self.initial, self.merged} - {""}, True
        while grew:
            more = {t.target for t in self.transitions if t.sources & reached} - reached
            reached, grew = reached | more, bool(more)
        for state in set(names) - reached:
            yield f"nothing leads to the state {state!r}"


def case_type(name: str) -> CaseType:
    """Raises LookupError when no service declares it."""
    found = registry.find(CaseType, name)
    if found is None:
        raise LookupError(f"no service declares the case type {name!r}")
    return found
