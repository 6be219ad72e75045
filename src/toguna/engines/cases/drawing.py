"""A workflow drawn from its definition: an SVG of our own, narrow enough for a telephone.

Each state is a box, in layers by how far it is from the first; under its title stands each way out, in words; an arc leads
from those words to the box where they lead. Arcs go in lanes at the right, so none crosses a box or a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from toguna.engines.cases.definition import ANY, read
from toguna.engines.cases.workflow import CaseType, State, Transition, case_type
from toguna.kernel import access

WIDTH, LINE, GAP, LANE, PAD = 264, 18, 26, 10, 10
LETTERS = 36  # of a line at this width
_BOLD = ' font-weight="bold"'
# Said by the line, not by a colour.
_BOX = {
    "open": "", "waiting": 'stroke-dasharray="2 3"', "done": 'stroke-width="4"', "refused": 'stroke-dasharray="6 3"',
}  # fmt: skip


@dataclass(frozen=True)
class Way:
    """One line of the table under the drawing."""

    state: Any
    verb: Any
    target: Any
    who: str
    needs: str


def draw(definition: Mapping[str, Any], type: str = "", title: str = "") -> str:
    """The SVG of a definition, in the reader's language. Raises Unsound."""
    return draw_table(read(definition, case_type(type) if type else ANY), title)


def layers(kind: CaseType) -> list[list[State]]:
    """The states by the fewest steps from the first, ends last; within a layer as they were written."""
    far = {kind.initial: 0}
    queue = [kind.initial]
    for name in queue:  # grows while it is read
        for one in kind.transitions:
            if name in one.sources and one.target not in far:
                far[one.target] = far[name] + 1
                queue.append(one.target)
    last = max(far.values()) + 1
    found: dict[int, list[State]] = {}
    for state in kind.states:
        found.setdefault(far.get(state.name, last) if state.open else last + 1, []).append(state)
    return [found[number] for number in sorted(found)]


def ways(kind: CaseType) -> list[Way]:
    """What the drawing says, as rows: for who does not see it."""
    return [
        Way(state.title, rule.verb, kind.state(rule.target).title, who(rule, state), needs(rule))
        for layer in layers(kind)
        for state in layer
        for rule in kind.transitions
        if state.name in rule.sources
    ]


def who(rule: Transition, state: State) -> str:
    if rule.reporter:
        return str(_("the applicant"))
    if rule.law:
        silence = state.silence
        if silence is not None and silence.take == rule.name:
            words = ngettext("the law, after %(n)d working day", "the law, after %(n)d working days", silence.days)
            return words % {"n": silence.days}
        return str(_("the law, as soon as it can"))
    if rule.team:
        return str(_("the team %(team)s") % {"team": rule.team})
    return str(access.ROLES[rule.role]) if rule.role else str(_("the service"))


def needs(rule: Transition) -> str:
    found = []
    if rule.fee:
        found.append(_("fee: %(fee)s") % {"fee": rule.fee.title})
    if rule.opinions:
        found.append(_("opinions of %(teams)s") % {"teams": ", ".join(one.team for one in rule.opinions.wanted)})
    if rule.document:
        found.append(_("issues a document"))
    if rule.when is not None:
        found.append(_("on a condition"))
    return "; ".join(str(one) for one in found)


def draw_table(kind: CaseType, title: str = "") -> str:
    """The SVG of a table, declared in code or read from data."""
    order = [state for layer in layers(kind) for state in layer]
    boxes: dict[str, tuple[int, int]] = {}  # top, height
    starts: list[tuple[Transition, State, int]] = []
    parts: list[str] = []
    top = PAD
    for state in order:
        rows: list[tuple[str, str]] = [(line, "t") for line in wrapped(str(state.title))]
        if state.days is not None:
            rows += [(ngettext("%(n)d working day", "%(n)d working days", state.days) % {"n": state.days}, "n")]
        at = top + LINE * len(rows) + PAD
        for rule in kind.transitions:
            if state.name not in rule.sources:
                continue
            words = f"{rule.verb} ({who(rule, state)})" + (f" – {extra}" if (extra := needs(rule)) else "")
            lines = wrapped(words)
            starts.append((rule, state, at + LINE // 2 + 3))
            rows += [(line, "v" if n == 0 else "w") for n, line in enumerate(lines)]
            at += LINE * len(lines)
        height = LINE * len(rows) + PAD + 4
        boxes[state.name] = (top, height)
        parts.append(
            f'<rect {_BOX[state.kind]} x="{PAD}" y="{top}" width="{WIDTH}" height="{height}" rx="6"/>'
            + "".join(
                f'<text fill="currentColor" stroke="none"{_BOLD if style == "t" else ""} x="{PAD + 8}" y="{top + LINE * (n + 1)}">{escape(("→ " if style == "v" else "") + words)}</text>'
                for n, (words, style) in enumerate(rows)
            )
        )
        top += height + GAP
    arcs, lanes = _arcs(starts, boxes)
    wide = PAD + WIDTH + LANE * (lanes + 1) + PAD
    name = escape(title or str(kind.title))
    told = escape(" ".join(f"{way.state}: {way.verb} → {way.target}." for way in ways(kind)))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="workflow" viewBox="0 0 {wide} {top}" role="img" '
        f'width="{wide}" height="{top}"><title>{name}</title><desc>{told}</desc>'
        '<g font-family="sans-serif" font-size="13" fill="none" stroke="currentColor" stroke-width="1.5">'
        + "".join(arcs)
        + "".join(parts)
        + "</g></svg>"
    )  # fmt: skip


def _arcs(
    starts: Sequence[tuple[Transition, State, int]], boxes: Mapping[str, tuple[int, int]]
) -> tuple[list[str], int]:
    """Each way in the first lane that is free along it, the short ones first, so that they stay inside the long."""
    spans = [(at, boxes[rule.target][0] + LINE // 2 + 2) for rule, _state, at in starts]
    taken: list[list[tuple[int, int]]] = []
    found = []
    for at, end in sorted(set(spans), key=lambda span: (abs(span[0] - span[1]), span)):
        low, high = min(at, end) - 3, max(at, end) + 3
        lane = next((n for n, used in enumerate(taken) if all(high < a or low > b for a, b in used)), len(taken))
        if lane == len(taken):
            taken.append([])
        taken[lane].append((low, high))
        edge, x = PAD + WIDTH, PAD + WIDTH + LANE * (lane + 1)
        found.append(
            f'<path d="M{edge} {at}H{x}V{end}H{edge + 1}"/><path fill="currentColor" stroke="none" d="M{edge} {end}l7 -4v8z"/>'
        )
    return found, len(taken)


def wrapped(words: str) -> list[str]:
    lines = [""]
    for word in _short(words.split()):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > LETTERS:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _short(words: Iterable[str]) -> Iterable[str]:
    for word in words:
        yield from (word[n : n + LETTERS] for n in range(0, len(word), LETTERS))
