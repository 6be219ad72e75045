"""What a case of some type can become: a table, declared by the service that brings the type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toguna.kernel import registry
from toguna.kernel.manifest import Declaration

Kind = Literal["open", "waiting", "done", "refused"]


LAW = "law"  # who takes a transition that nobody takes: a silence, or opinions that are all in


@dataclass(frozen=True)
class Silence:
    """After so many working days in a state without a decision, the law decides: it takes that transition."""

    days: int
    take: str


@dataclass(frozen=True)
class State:
    """kind: "open" and "waiting" still ask for work, "done" and "refused" do not; title: lazy text; icon: a pictogram.
    days: working days that the town gives itself for this step; escalate: the team (slug) that gets it when it is late;
    stops: the applicant's turn, no clock of the town runs."""

    name: str
    title: Any
    kind: Kind
    icon: str = "clock"
    days: int | None = None
    silence: Silence | None = None
    escalate: str = ""
    stops: bool = False

    @property
    def open(self) -> bool:
        return self.kind in ("open", "waiting")


@dataclass(frozen=True)
class Wanted:
    """An opinion asked of a team (slug), for so many working days. required: the decision waits for it."""

    team: str
    days: int
    required: bool = True


@dataclass(frozen=True)
class Opinions:
    """Asked of all at once; joined by `opinions.standing`. silent: what is understood when the days have passed."""

    wanted: tuple[Wanted, ...]
    silent: Literal["favourable", "waiting"] = "favourable"


@dataclass(frozen=True)
class Fee:
    """amount: in the minor unit of the town's currency."""

    name: str
    title: Any
    amount: int


@dataclass(frozen=True)
class Transition:
    """From any of `sources` to `target`, by whoever has `permission`. `verb` is what its button says. `ask` says whether
    words for the public are needed ("yes"), welcome ("maybe") or not asked for ("no"). `reporter`: it is the person who
    opened the case who takes it, not the town hall.

    team (slug), role: only who is of it, whatever the permission; permission LAW: nobody, see `Silence`. when: see
    `conditions`; opinions: asked on entering the target; fee: paid before it can be taken; document: the template that is
    issued; returns: what the applicant must complete; message: {language: words} for them, with {code}."""

    name: str
    verb: Any
    sources: frozenset[str]
    target: str
    permission: str
    ask: Literal["yes", "maybe", "no"] = "maybe"
    icon: str = "arrow"
    reporter: bool = False
    team: str = ""
    role: str = ""
    when: Any = None
    opinions: Opinions | None = None
    fee: Fee | None = None
    document: str = ""
    returns: tuple[str, ...] = ()
    message: Mapping[str, str] = field(default_factory=dict)

    @property
    def law(self) -> bool:
        return self.permission == LAW


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
    days: int | None = None  # working days for the whole case; None: the topic says it

    def state(self, name: str) -> State:
        return next(s for s in self.states if s.name == name)

    def transition(self, name: str) -> Transition | None:
        return next((t for t in self.transitions if t.name == name), None)

    def possible(self, state: str, *, reporter: bool = False) -> list[Transition]:
        """The transitions that leave that state, for the town hall or for the person who opened the case."""
        return [t for t in self.transitions if state in t.sources and t.reporter == reporter and not t.law]

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
        for state in sorted(set(names) - reached):
            yield f"nothing leads to the state {state!r}"
        yield from self._stuck(reached)
        yield from self._rights()
        for one in self.states:
            yield from self._clocks(one)

    def _stuck(self, reached: set[str]) -> Iterator[str]:
        """An open state from which no way ends. The law's transitions count only where something takes them."""
        ends, grew = {s.name for s in self.states if not s.open}, True
        if not ends:
            yield "no state ends the case: one must be done or refused"
            return
        while grew:
            more = {s for t in self.transitions if t.target in ends for s in t.sources} - ends
            ends, grew = ends | more, bool(more)
        for state in self.states:
            if state.name in reached - ends:
                yield f"no way ends from the state {state.name!r}: it would be stuck there"

    def _rights(self) -> Iterator[str]:
        taken = {(s.name, s.silence.take) for s in self.states if s.silence}
        for one in self.transitions:
            if not one.permission:
                yield f"transition {one.name!r} says nothing of who may take it"
            if one.law and one.when is None:
                for state in sorted(one.sources):
                    if (state, one.name) not in taken:
                        yield f"transition {one.name!r} is the law's, but no silence takes it from {state!r}"
            target = next((s for s in self.states if s.name == one.target), None)
            if target is not None and one.opinions and not target.open:
                yield f"transition {one.name!r} asks opinions on a case that it closes"
            if target is not None and one.returns and not target.stops:
                yield f"transition {one.name!r} returns the case to the applicant, but the clock runs in {one.target!r}"

    def _clocks(self, state: State) -> Iterator[str]:
        if state.stops and (not state.open or not self.possible(state.name, reporter=True)):
            yield f"state {state.name!r} waits for the applicant, who can do nothing there"
        if state.silence is None:
            return
        take = self.transition(state.silence.take)
        if take is None or state.name not in take.sources:
            yield f"the silence of {state.name!r} takes {state.silence.take!r}, which does not leave from there"
        elif not take.law:
            yield f"the silence of {state.name!r} takes {take.name!r}, which is not the law's"
        if state.stops:
            yield f"state {state.name!r} waits for the applicant: no silence of the town counts there"


def case_type(name: str) -> CaseType:
    """Raises LookupError when no service declares it."""
    found = registry.find(CaseType, name)
    if found is None:
        raise LookupError(f"no service declares the case type {name!r}")
    return found


def replay(kind: CaseType, steps: Iterable[tuple[str, str]]) -> str:
    """The state to which a history of (from, to) leads; steps that moved nothing have neither. Raises ValueError where it
    does not hold together: it begins elsewhere, jumps, or names what the workflow does not have."""
    state, names = "", {s.name for s in kind.states}
    for before, after in steps:
        if not after:
            continue
        if after not in names or before != state:
            raise ValueError(f"the history goes from {before!r} to {after!r} where it stood at {state!r}")
        state = after
    return state
