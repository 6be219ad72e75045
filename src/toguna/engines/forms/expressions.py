"""The expressions of forms: XPath as XLSForm and the ODK XForms specification write it, compiled once to Python closures.

``compile("${age} >= 18 and selected(${papers}, 'passport')")`` gives an `Expression`; call it with a `Context`. A value is a
str, a bool, a Decimal (exact: 0.1 + 0.2 = 0.3; NaN is "no number") or `Nodes` (what a path found): see `scalars`.
Nothing of Python can be reached from here.

A text is parsed to a tree of plain lists, and the closures are made of the tree. The tree is JSON: a phone without network
evaluates the same one (static/forms/expressions.js)::

    ["number", "12.5"], ["text", "x"], ["minus", TREE], [OPERATOR, TREE, TREE], ["call", name, TREE...],
    ["name", "age"] (${age}), ["up", steps, names...] (., ../x), ["root", names...] (/data/x), ["column", "region"],
    ["list", name] (instance()), ["cell", TREE, column], ["where", TREE, TREE] (predicate), ["child", TREE, name]
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from toguna.engines.forms.definition import Choice, Definition
from toguna.engines.forms.functions import FUNCTIONS
from toguna.engines.forms.scalars import NAN, NUMBERS, Context, Key, Nodes, Path, Run, boolean, equal, number

Tree = list[Any]
LONGEST, DEEPEST = 4000, 60  # characters of an expression; brackets in brackets


class BadExpression(ValueError):
    """str() says what is wrong, to whoever wrote the expression."""


_TOKEN = re.compile(
    r"""\s*(?:
      (?P<ref>\$\{\s*(?P<inner>[^{}]{1,80}?)\s*\})
    | (?P<text>"[^"]*"|'[^']*')
    | (?P<digits>\d+(?:\.\d*)?|\.\d+)
    | (?P<name>[^\W\d][\w.-]*(?::[^\W\d][\w.-]*)?)
    | (?P<sign>\.\.|!=|<=|>=|//|[-+*/=<>|()\[\],.@])
    )""",
    re.VERBOSE,
)
_POWER = {
    "or": 1,
    "and": 2,
    "=": 3,
    "!=": 3,
    "<": 4,
    "<=": 4,
    ">": 4,
    ">=": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "div": 6,
    "mod": 6,
    "|": 8,
}
_WORDS = frozenset(["or", "and", "div", "mod"])
REFUSED = frozenset(["pulldata", "jr:itext", "last-saved", "property", "extract-signed"])


@dataclass(frozen=True)
class Ref:
    """What an expression reads: kind "name" (${x}), "up" (n steps up, then names) or "root" (from the top of the form)."""

    kind: str
    names: Path
    up: int = 0


@dataclass(frozen=True)
class Expression:
    """A compiled expression: call it. refs: what it reads; functions: what it calls; columns: plain names, of choices."""

    text: str
    run: Run = field(repr=False)
    tree: Tree = field(repr=False, compare=False)
    refs: frozenset[Ref] = frozenset()
    functions: frozenset[tuple[str, int]] = frozenset()
    columns: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()

    def __call__(self, context: Context) -> Any:
        return self.run(context)


class _Parser:
    def __init__(self, text: str) -> None:
        self.at, self.depth = 0, 0
        self.tokens = list(self._tokens(text))
        self.refs: set[Ref] = set()
        self.functions: set[tuple[str, int]] = set()
        self.columns: set[str] = set()
        self.lists: set[str] = set()

    @staticmethod
    def _tokens(text: str) -> Iterator[tuple[str, str]]:
        at = 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if not found:
                raise BadExpression(_("“%(what)s” is not understood.") % {"what": text[at:].strip()[:20]})
            kind = found.lastgroup if found.lastgroup != "inner" else "ref"
            yield ("ref", found["inner"]) if found["ref"] else (str(kind), found[str(kind)])
            at = found.end()

    @property
    def here(self) -> tuple[str, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.here
        self.at += 1
        return token

    def is_sign(self, sign: str) -> bool:
        return self.here == ("sign", sign)

    def expect(self, sign: str) -> None:
        if not self.is_sign(sign):
            raise BadExpression(_("“%(sign)s” is missing.") % {"sign": sign})
        self.at += 1

    def whole(self) -> Tree:
        tree = self.expression(0)
        if self.here[0] != "end":
            raise BadExpression(_("“%(what)s” is one too many.") % {"what": self.here[1]})
        return tree

    def expression(self, power: int) -> Tree:
        self.depth += 1
        if self.depth > DEEPEST:
            raise BadExpression(_("This expression is too deep: cut it in several calculations."))
        left = self.operand()
        while True:
            kind, sign = self.here
            binds = _POWER.get(sign, 0) if kind == "sign" or (kind == "name" and sign in _WORDS) else 0
            if binds <= power:
                break
            self.at += 1
            left = [sign, left, self.expression(binds)]
        self.depth -= 1
        return left

    def operand(self) -> Tree:
        kind, value = self.here
        if kind == "sign" and value == "-":
            self.at += 1
            return ["minus", self.expression(_POWER["div"])]
        if kind == "digits":
            self.at += 1
            return ["number", value]
        if kind == "text":
            self.at += 1
            return ["text", value[1:-1]]
        if kind == "sign" and value == "(":
            self.at += 1
            inner = self.expression(0)
            self.expect(")")
            return inner
        if kind == "name" and self.tokens[self.at + 1 : self.at + 2] == [("sign", "(")] and value not in _NODE_MAKERS:
            return self.call()
        return self.path()

    def arguments(self) -> list[Tree]:
        self.expect("(")
        found: list[Tree] = []
        while not self.is_sign(")"):
            if found:
                self.expect(",")
            found.append(self.expression(0))
        self.expect(")")
        return found

    def call(self) -> Tree:
        name = self.take()[1]
        arguments = self.arguments()
        self.functions.add((name, len(arguments)))
        made = FUNCTIONS.get(name)
        if name in REFUSED:
            raise BadExpression(_("The function “%(name)s” is not supported here.") % {"name": name})
        if made is None:
            raise BadExpression(_("There is no function “%(name)s”.") % {"name": name})
        least, most, _build = made
        if not least <= len(arguments) <= most:
            raise BadExpression(_("The function “%(name)s” has too few or too many values.") % {"name": name})
        return ["call", name, *arguments]

    def path(self) -> Tree:
        """${x}, ., .., ../x, /data/x, a column, current()/../x, instance('list')/root/item[...]/label."""
        kind, value = self.take()
        names: list[str] = []
        if kind == "ref":
            if value.startswith("last-saved#"):
                raise BadExpression(_("The function “%(name)s” is not supported here.") % {"name": "last-saved"})
            self.refs.add(Ref("name", (value,)))
            return self.steps(["name", value])
        if kind == "name" and value == "instance":
            listed = self.arguments_of_instance()
            self.lists.add(listed)
            return self.rows(listed)
        if kind == "name" and value == "current":
            self.expect("(")
            self.expect(")")
            return self.relative(0)
        if kind == "sign" and value in (".", ".."):
            return self.relative(1 if value == ".." else 0)
        if kind == "sign" and value == "/":
            names.append(self.name())
            while self.is_sign("/"):
                self.at += 1
                names.append(self.name())
            inner = tuple(names[1:])
            self.refs.add(Ref("root", inner))
            return self.steps(["root", *inner])
        if kind == "name":
            self.columns.add(value)
            return ["column", value]
        if kind == "end":
            raise BadExpression(_("The expression stops too early."))
        raise BadExpression(_("“%(what)s” is not understood.") % {"what": value})

    def name(self) -> str:
        kind, value = self.take()
        if kind != "name":
            raise BadExpression(_("“%(what)s” is not understood.") % {"what": value or "/"})
        return value

    def relative(self, up: int) -> Tree:
        names: list[str] = []
        while self.is_sign("/"):
            self.at += 1
            if self.is_sign(".."):
                if names:
                    raise BadExpression(_("“%(what)s” is not understood.") % {"what": ".."})
                self.at += 1
                up += 1
            elif self.is_sign("."):
                self.at += 1
            else:
                names.append(self.name())
        self.refs.add(Ref("up", tuple(names), up))
        return self.steps(["up", up, *names])

    def predicate(self) -> Tree:
        self.expect("[")
        tree = self.expression(0)
        self.expect("]")
        return tree

    def steps(self, nodes: Tree) -> Tree:
        """Predicates and children after a path."""
        while self.is_sign("[") or self.is_sign("/"):
            if self.is_sign("["):
                nodes = ["where", nodes, self.predicate()]
            else:
                self.at += 1
                name = self.name()
                self.refs.add(Ref("name", (name,)))
                nodes = ["child", nodes, name]
        return nodes

    def arguments_of_instance(self) -> str:
        self.expect("(")
        kind, value = self.take()
        if kind != "text":
            raise BadExpression(_("instance() needs the name of a list, between quotes."))
        self.expect(")")
        return value[1:-1]

    def rows(self, listed: str) -> Tree:
        for word in ("root", "item"):
            self.expect("/")
            if self.name() != word:
                raise BadExpression(_("Write instance('%(list)s')/root/item[...]/label.") % {"list": listed})
        nodes: Tree = ["list", listed]
        while self.is_sign("["):
            nodes = ["where", nodes, self.predicate()]
        if self.is_sign("/"):
            self.at += 1
            return ["cell", nodes, self.name()]
        return nodes


_NODE_MAKERS = frozenset(["instance", "current"])


def _cell(row: Choice, column: str, language: str) -> str:
    if column == "name":
        return row.name
    if column == "label":
        return row.label.get(language) or next(iter(row.label.values()), "")
    return row.more.get(column, "")


def _path(key: Key) -> Path:
    return tuple(part for part in key if isinstance(part, str))


@lru_cache(maxsize=20_000)
def _closest(paths: tuple[Path, ...], at: Path) -> Path:
    """Of items with the same name, that which shares most of its way with who asks."""

    def shared(path: Path) -> int:
        return next((i for i, (a, b) in enumerate(zip(path, at, strict=False)) if a != b), min(len(path), len(at)))

    return max(paths, key=shared)


def resolve(form: Definition, ref: Ref, at: Path) -> Path | None:
    """The path of what is read, from an item's path; None when there is no such item."""
    if ref.kind == "name":
        items = form.by_name.get(ref.names[0], ())
        return _closest(tuple(item.path for item in items), at) if items else None
    path = ref.names if ref.kind == "root" else (*at[: len(at) - ref.up], *ref.names)
    return path if not path or path in form.by_path else None


def _found(context: Context, path: Path | None) -> Nodes:
    keys = context.expand(path, context.key) if path is not None else ()
    return Nodes([context.look(key) for key in keys], keys)


def _named(name: str) -> Run:
    def run(c: Context) -> Nodes:
        items = c.form.by_name.get(name, ())
        if len(items) == 1:
            return _found(c, items[0].path)
        return _found(c, resolve(c.form, Ref("name", (name,)), _path(c.key)))

    return run


def _from_root(names: Path) -> Run:
    return lambda c: _found(c, names)


def _relative(up: int, names: Path) -> Run:
    def run(c: Context) -> Nodes:
        if up == 0 and not names:
            return Nodes([c.look(c.key)], [c.key])
        path = _path(c.key)
        if not names and up:
            key = c.key
            for _step in range(up):  # ".." of a repeat's child is its instance, with its number
                key = key[:-2] if isinstance(key[-1:][0] if key else "", int) else key[:-1]
            return Nodes([None], [key])
        return _found(c, (*path[: len(path) - up], *names))

    return run


def _column(name: str) -> Run:
    def run(c: Context) -> Nodes:
        if c.row is not None:
            return Nodes([_cell(c.row, name, c.language)], [c.row])
        return Nodes()

    return run


def _constant(value: Any) -> Run:
    return lambda c: value


def _listed(name: str) -> Run:
    def run(c: Context) -> Nodes:
        rows = c.form.choices.get(name, ())
        return Nodes([row.name for row in rows], rows)

    return run


def _cells(nodes: Run, column: str) -> Run:
    def run(c: Context) -> Nodes:
        rows = nodes(c).keys
        return Nodes([_cell(row, column, c.language) for row in rows], rows)

    return run


def _minus(inner: Run) -> Run:
    return lambda c: NUMBERS.minus(number(inner(c)))


def _filtered(nodes: Run, keep: Run) -> Run:
    def run(c: Context) -> Nodes:
        found = nodes(c)
        values, keys = [], []
        for rank, (value, key) in enumerate(zip(found, found.keys, strict=True), 1):
            inner = c.within(c.key, key, rank) if isinstance(key, Choice) else c.within(key, None, rank)
            kept = keep(inner)
            if (kept == rank) if isinstance(kept, Decimal) else boolean(kept):
                values.append(value)
                keys.append(key)
        return Nodes(values, keys)

    return run


def _children(nodes: Run, name: str) -> Run:
    def run(c: Context) -> Nodes:
        found = [(*key, name) for key in nodes(c).keys]
        return Nodes([c.look(key) for key in found], found)

    return run


# --- Operators -----------------------------------------------------------------------------------------------------


def _compared(test: Callable[[Decimal], bool]) -> Callable[[Run, Run], Run]:
    def build(a: Run, b: Run) -> Run:
        def run(c: Context) -> bool:
            order = NUMBERS.compare(number(a(c)), number(b(c)))
            return not order.is_nan() and test(order)

        return run

    return build


def _computed(do: Callable[[Decimal, Decimal], Decimal]) -> Callable[[Run, Run], Run]:
    return lambda a, b: lambda c: do(number(a(c)), number(b(c)))


def _divided(a: Decimal, b: Decimal) -> Decimal:
    return NUMBERS.divide(a, b) if b else NAN


def _union(a: Any, b: Any) -> Nodes:
    if not isinstance(a, Nodes) or not isinstance(b, Nodes):
        return Nodes()
    extra = [(value, key) for value, key in zip(b, b.keys, strict=True) if key not in a.keys]
    return Nodes([*a, *(value for value, _key in extra)], [*a.keys, *(key for _value, key in extra)])


_OPERATORS: dict[str, Callable[[Run, Run], Run]] = {
    "or": lambda a, b: lambda c: boolean(a(c)) or boolean(b(c)),
    "and": lambda a, b: lambda c: boolean(a(c)) and boolean(b(c)),
    "|": lambda a, b: lambda c: _union(a(c), b(c)),
    "=": lambda a, b: lambda c: equal(a(c), b(c)),
    "!=": lambda a, b: lambda c: not equal(a(c), b(c)),
    "<": _compared(lambda order: order < 0),
    "<=": _compared(lambda order: order <= 0),
    ">": _compared(lambda order: order > 0),
    ">=": _compared(lambda order: order >= 0),
    "+": _computed(NUMBERS.add),
    "-": _computed(NUMBERS.subtract),
    "*": _computed(NUMBERS.multiply),
    "div": _computed(_divided),
    "mod": _computed(NUMBERS.remainder),
}


_LEAVES: dict[str, Callable[..., Run]] = {
    "number": lambda digits: _constant(Decimal(digits)),
    "text": _constant,
    "name": _named,
    "up": lambda steps, *names: _relative(steps, names),
    "root": lambda *names: _from_root(names),
    "column": _column,
    "list": _listed,
}


def _made(tree: Tree) -> Run:
    """The closures of a tree."""
    kind, *parts = tree
    if kind in _LEAVES:
        return _LEAVES[kind](*parts)
    if kind == "call":
        return FUNCTIONS[parts[0]][2](*(_made(part) for part in parts[1:]))
    if kind == "minus":
        return _minus(_made(parts[0]))
    if kind == "where":
        return _filtered(_made(parts[0]), _made(parts[1]))
    if kind == "child":
        return _children(_made(parts[0]), parts[1])
    if kind == "cell":
        return _cells(_made(parts[0]), parts[1])
    return _OPERATORS[kind](_made(parts[0]), _made(parts[1]))


# --- What the rest of the engine calls -----------------------------------------------------------------------------


@lru_cache(maxsize=20_000)
def compile(text: str) -> Expression:
    """The expression, once for each text. Raises BadExpression."""
    if len(text) > LONGEST:
        raise BadExpression(_("This expression is too long."))
    try:
        parser = _Parser(text)
        tree = parser.whole()
        run = _made(tree)
    except RecursionError:
        raise BadExpression(_("This expression is too deep: cut it in several calculations.")) from None
    made = (parser.refs, parser.functions, parser.columns, parser.lists)
    return Expression(text, run, tree, *(frozenset(one) for one in made))  # type: ignore[arg-type]
