"""What is done to the JSON of a definition: pure, in place, on a copy that its caller made. A place is a path of names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from toguna.engines.forms.definition import BLOCKS, LISTS, NAME
from toguna.kernel.text import Words, fold, pick

Data = dict[str, Any]
Path = tuple[str, ...]
LONGEST_NAME = 32


class Missing(KeyError):
    """There is no such item any more."""


def new(slug: str, titles: Mapping[str, str], languages: Sequence[str]) -> Data:
    return {
        "name": slug, "titles": dict(titles), "languages": list(languages), "items": [], "choices": {}, "settings": {},
    }  # fmt: skip


def walk(rows: Sequence[Data], above: Path = ()) -> Iterator[tuple[Path, Data]]:
    for row in rows:
        path = (*above, str(row["name"]))
        yield path, row
        yield from walk(row.get("items", ()), path)


def rows_at(data: Data, block: Path) -> list[Data]:
    """The rows of a block, () being the form itself. Raises Missing."""
    rows: list[Data] = data["items"]
    for name in block:
        row = next((row for row in rows if row["name"] == name and row["kind"] in BLOCKS), None)
        if row is None:
            raise Missing(block)
        rows = row.setdefault("items", [])
    return rows


def find(data: Data, path: Path) -> tuple[list[Data], int]:
    """The rows that an item is among, and its number there. Raises Missing."""
    rows = rows_at(data, path[:-1]) if path else []
    for number, row in enumerate(rows):
        if row["name"] == path[-1]:
            return rows, number
    raise Missing(path)


def item(data: Data, path: Path) -> Data:
    rows, number = find(data, path)
    return rows[number]


def free_name(data: Data, words: str, kind: str = "question") -> str:
    """A technical name made of a question's words: "Nom et prénoms" is nom_et_prenoms. No other item has it, so that what
    reads an answer by its name always means this one."""
    taken = {row["name"] for _path, row in walk(data["items"])}
    return _free(taken, words, kind)


def _free(taken: set[str], words: str, otherwise: str) -> str:
    ascii_words = re.sub(r"[^a-z0-9 ]", "", fold(words)).split()
    name = ""
    for word in ascii_words:
        if len(name) + len(word) >= LONGEST_NAME and name:
            break
        name = f"{name}_{word}" if name else word[:LONGEST_NAME]
    if not NAME.fullmatch(name):
        name = f"{otherwise}_{name}".rstrip("_")
    made, number = name, 2
    while made in taken:
        made, number = f"{name}_{number}", number + 1
    return made


def add(data: Data, block: Path, row: Data, at: int | None = None) -> Path:
    """Puts an item in a block, at its end or at a number."""
    rows = rows_at(data, block)
    rows.insert(len(rows) if at is None else at, row)
    return (*block, str(row["name"]))


def remove(data: Data, path: Path) -> Data:
    rows, number = find(data, path)
    gone = rows.pop(number)
    drop_unused(data)
    return gone


def duplicate(data: Data, path: Path) -> Path:
    """The same again just after it, under names of its own; what reads an answer inside reads that of the copy."""
    rows, number = find(data, path)
    copy = deepcopy(rows[number])
    taken = {row["name"] for _path, row in walk(data["items"])}
    renamed: dict[str, str] = {}
    for _path, row in walk([copy]):
        renamed[row["name"]] = _free(taken, row["name"].replace("_", " "), "question")
        taken.add(renamed[row["name"]])
    for _path, row in list(walk([copy])):
        row["name"] = renamed[row["name"]]
        for key, value in row.items():
            if isinstance(value, str) and key != "name":
                row[key] = _REFERENCE.sub(lambda found: f"${{{renamed.get(found[1], found[1])}}}", value)
    rows.insert(number + 1, copy)
    return (*path[:-1], copy["name"])


_REFERENCE = re.compile(r"\$\{([^}]{1,64})\}")


def move(data: Data, path: Path, step: int) -> Path:
    """One place up (-1) or down (1), in the order in which people read: a question goes into the page that it meets and out
    of its own at its ends; a page or a list passes over its neighbour."""
    rows, number = find(data, path)
    row, to = rows[number], number + step
    if 0 <= to < len(rows):
        rows.pop(number)
        neighbour = rows[to - 1 if step > 0 else to]
        if neighbour["kind"] in BLOCKS and row["kind"] not in BLOCKS and free_in(neighbour, row["name"]):
            inner = neighbour.setdefault("items", [])
            inner.insert(0 if step > 0 else len(inner), row)
            return (*path[:-1], neighbour["name"], row["name"])
        rows.insert(to, row)
        return path
    if len(path) > 1:
        outer, block = find(data, path[:-1])
        if not any(one["name"] == row["name"] for one in outer):
            rows.pop(number)
            outer.insert(block + (1 if step > 0 else 0), row)
            return (*path[:-2], row["name"])
    return path


def free_in(block: Data, name: str) -> bool:
    return all(row["name"] != name for row in block.get("items", ()))


def put(data: Data, path: Path, block: Path) -> Path:
    """Into another block, at its end; where it is already, it stays. A block is not put inside itself."""
    if path[:-1] == block or block[: len(path)] == path:
        return path
    target = rows_at(data, block)
    if any(row["name"] == path[-1] for row in target):
        return path
    rows, number = find(data, path)
    target.append(rows.pop(number))
    return (*block, path[-1])


# --- Choices -------------------------------------------------------------------------------------------------------


def users(data: Data, name: str) -> list[Path]:
    """The questions that choose from a list."""
    return [path for path, row in walk(data["items"]) if row.get("list") == name]


def set_choices(data: Data, row: Data, lines: Sequence[Mapping[str, str]]) -> None:
    """Gives a question these choices, one {language: words} each. A choice that keeps its words in a language keeps its name,
    and so does one that changes where it stood; a list that other questions use too stays theirs."""
    before: list[Data] = data["choices"].get(row.get("list", ""), [])
    kept = [_kept(before, line) for line in lines]
    used = {one["name"] for one in kept if one}
    free = len(before) == len(lines)
    made: list[Data] = []
    taken = set(used)
    for number, (line, old) in enumerate(zip(lines, kept, strict=True)):
        if old is None and free and before[number]["name"] not in used:
            old = before[number]
        name = old["name"] if old and old["name"] not in {one["name"] for one in made} else ""
        if not name:
            name = _free(taken, pick(line), "choice")
        taken.add(name)
        one: Data = {"name": name, "label": {code: words for code, words in line.items() if words}}
        if old and old.get("more"):
            one["more"] = old["more"]
        made.append(one)
    if made == before:
        return
    own = row.get("list", "")
    if not own or len(users(data, own)) > 1 or own not in data["choices"]:
        own = _free(set(data["choices"]), f"{row['name']} list".replace("_", " "), "list")
    row["list"] = own
    data["choices"][own] = made
    drop_unused(data)


def _kept(before: Sequence[Data], line: Mapping[str, str]) -> Data | None:
    for old in before:
        label = old.get("label", {})
        if any(words and label.get(code) == words for code, words in line.items()):
            return old
    return None


def drop_unused(data: Data) -> None:
    """Lists that no question and no expression names any more go."""
    used = {row.get("list") for _path, row in walk(data["items"]) if row["kind"] in LISTS}
    expressions = " ".join(
        str(value) for _path, row in walk(data["items"]) for value in row.values() if isinstance(value, str)
    )
    for name in set(data["choices"]) - used:
        if not any(quoted in expressions for quoted in (f"'{name}'", f'"{name}"')):
            del data["choices"][name]


def readers(data: Data, path: Path) -> list[Path]:
    """The items outside it that read an answer of this item or of what is in it."""
    names = {inner["name"] for _path, inner in walk([item(data, path)])}
    found = []
    for other, row in walk(data["items"]):
        if other[: len(path)] == path:
            continue
        texts = [value for value in row.values() if isinstance(value, str)]
        texts += [words for key in ("label", "hint") for words in row.get(key, {}).values()]
        if any(name in names for one in texts for name in _REFERENCE.findall(one)):
            found.append(other)
    return found


def title(row: Mapping[str, Any], language: str | None = None) -> str:
    words: Words = row.get("label") or row.get("hint") or {}
    return pick(words, language) or str(row["name"])
