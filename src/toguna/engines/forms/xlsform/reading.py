"""From an XLSForm (xlsx or xls) to a definition, with an exact report of what is not understood."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, cast

from django.utils.translation import gettext as _
from pyxform.xls2json_backends import DefinitionData, xls_to_dict, xlsx_to_dict

from toguna.engines.forms import expressions
from toguna.engines.forms.definition import LISTS, MOST_CHOICES, MOST_ITEMS, NAME
from toguna.engines.forms.expressions import BadExpression
from toguna.engines.forms.xlsform.vocabulary import COLUMNS, EXPRESSIONS, SELECTS, TYPES, WORDS, column, language_code

LARGEST, LARGEST_UNPACKED = 5 << 20, 60 << 20  # bytes
_BLOCK = re.compile(r"(begin|end)[ _]+(group|repeat|loop|lgroup|looped group)(?:\s+over\s+(\S+))?", re.IGNORECASE)
_KNOWN_SETTINGS = frozenset(
    ["form_title", "form_id", "default_language", "instance_name", "allow_choice_duplicates", "version"]
)
_SETTINGS = {"title": "form_title", "set_form_title": "form_title", "id_string": "form_id", "set_form_id": "form_id"}
_LIST_COLUMNS = {"list_name": "list", "list name": "list", "name": "name", "value": "name"}


class Unreadable(Exception):
    """This is no XLSForm: str() says why."""


@dataclass(frozen=True)
class Remark:
    """Something that is not understood, or was changed. row: of the sheet as Excel counts, 0 for the whole of it;
    lost: it is not in the definition; else it is kept, written back, and has no effect here."""

    sheet: str
    row: int
    column: str
    what: str
    lost: bool = False


@dataclass
class Loaded:
    """definition: its JSON, to be checked by `definition.problems` and `plan.problems`."""

    definition: dict[str, Any]
    remarks: list[Remark] = field(default_factory=list)


def load(data: bytes, file_name: str, *, language: str = "fr") -> Loaded:
    """Reads a workbook. language: of words whose column names none, unless the form's settings say. Raises Unreadable."""
    return _Reading(_sheets(data), file_name, language).loaded()


def _sheets(data: bytes) -> DefinitionData:
    if len(data) > LARGEST:
        raise Unreadable(_("This file is larger than %(megabytes)d MB.") % {"megabytes": LARGEST >> 20})
    try:
        if data[:2] == b"PK":
            with zipfile.ZipFile(BytesIO(data)) as packed:
                if sum(part.file_size for part in packed.infolist()) > LARGEST_UNPACKED:
                    raise Unreadable(
                        _("This workbook unpacks to far too much. Save it again without what is not the form.")
                    )
            found = xlsx_to_dict(BytesIO(data))
        elif data[:8] == bytes.fromhex("d0cf11e0a1b11ae1"):
            found = xls_to_dict(BytesIO(data))
        else:
            raise Unreadable(_("This is no Excel workbook. Save the form as .xlsx and send that."))
    except Unreadable:
        raise
    except Exception as bad:  # a broken or hostile file makes these readers raise anything
        raise Unreadable(_("This workbook cannot be read. Open it, save it again as .xlsx, and send that.")) from bad
    sheets = DefinitionData(**found)
    if not sheets.survey:
        raise Unreadable(_("This workbook has no sheet “survey”: it is no XLSForm."))
    if len(sheets.survey) > 3 * MOST_ITEMS or len(sheets.choices or ()) > 2 * MOST_CHOICES:
        raise Unreadable(_("This form is too long: %(most)d items at most.") % {"most": MOST_ITEMS})
    return sheets


def _parameters(cell: str) -> dict[str, str]:
    pairs = re.findall(r"([\w-]+)\s*=\s*([^\s;,]+)", cell)
    return dict(pairs)


class _Reading:
    def __init__(self, sheets: DefinitionData, file_name: str, language: str) -> None:
        self.sheets, self.file_name = sheets, file_name
        self.settings = self._settings()
        named = self.settings.get("default_language", "")
        self.language = language_code(named) if named and named != "default" else language
        self.languages: dict[str, None] = {}
        self.remarks: list[Remark] = []
        self.choices = self._choices()
        self.said: set[tuple[str, str]] = set()

    def remark(self, sheet: str, row: int, column_: str, what: str, *, lost: bool = False) -> None:
        self.remarks.append(Remark(sheet, row, column_, what, lost))

    def once(self, sheet: str, column_: str, what: str) -> None:
        """A remark on a whole column."""
        if (sheet, column_) not in self.said:
            self.said.add((sheet, column_))
            self.remark(sheet, 1, column_, what)

    def loaded(self) -> Loaded:
        items = self._items()
        left = ("form_title", "form_id", "default_language")
        settings = {k: v for k, v in self.settings.items() if k.partition("::")[0] not in left}
        for name in sorted(settings.keys() - _KNOWN_SETTINGS):
            self.remark("settings", 2, name, _("This setting has no effect here."))
        for sheet in ("external_choices", "osm"):
            if getattr(self.sheets, sheet):
                self.remark(sheet, 0, "", _("This sheet is not supported."), lost=True)
        if self.sheets.entities:
            settings["sheet:entities"] = json.dumps(list(self.sheets.entities), ensure_ascii=False)
            self.remark("entities", 0, "", _("Entities have no effect here."))
        name = self.settings.get("form_id") or re.sub(r"\.\w+$", "", self.file_name)
        name = re.sub(r"[^A-Za-z0-9_.-]", "_", name)[:64]
        return Loaded(
            {
                "name": name if NAME.fullmatch(name) else f"f_{name}"[:64],
                "titles": self._titles(),
                "languages": sorted(self.languages or {self.language: None}, key=lambda code: code != self.language),
                "items": items,
                "choices": self.choices,
                "settings": settings,
            },
            self.remarks,
        )

    def _settings(self) -> dict[str, str]:
        row: Mapping[str, str] = next((row for row in self.sheets.settings or () if row), {})
        return {_SETTINGS.get(key.strip(), key.strip()): str(value).strip() for key, value in row.items()}

    def _titles(self) -> dict[str, str]:
        """XLSForm has one title; ours in other languages stand in columns of their own: "form_title::Português (pt)"."""
        found = [(header.partition("::"), cell) for header, cell in self.settings.items()]
        return {
            language_code(code) if code else self.language: cell
            for (name, _sep, code), cell in found
            if name == "form_title" and cell
        }

    def _words(self, code: str | None) -> str:
        code = self.language if code is None else code
        self.languages[code] = None
        return code

    def _choices(self) -> dict[str, list[dict[str, Any]]]:
        lists: dict[str, list[dict[str, Any]]] = {}
        for number, row in enumerate(self.sheets.choices or (), 2):
            choice: dict[str, Any] = {}
            words: dict[str, str] = {}
            more: dict[str, str] = {}
            listed = ""
            for header, cell in row.items():
                known = _LIST_COLUMNS.get(header.strip().casefold())
                ours, code = column(header)
                if known == "list":
                    listed = cell.strip()
                elif known == "name":
                    choice["name"] = cell.strip()
                elif ours == "label":
                    words[self._words(code)] = cell
                else:
                    more[header.strip()] = cell
            if not listed or "name" not in choice:
                if listed or choice:
                    what = _("A choice needs a list and a name.")
                    self.remark("choices", number, "list_name" if not listed else "name", what, lost=True)
                continue
            lists.setdefault(listed, []).append(
                {"name": choice["name"], "label": words, **({"more": more} if more else {})}
            )
        return lists

    def _items(self) -> list[dict[str, Any]]:
        top: list[dict[str, Any]] = []
        # Each open block: its word, where its items go, and what is done when it ends.
        open_blocks: list[tuple[str, list[dict[str, Any]], dict[str, Any] | None]] = [("", top, None)]
        for number, row in enumerate(cast(Sequence[Mapping[str, str]], self.sheets.survey), 2):
            typed = self._typed(row)
            if not typed:
                if any(column(header)[0] for header in row):
                    self.remark("survey", number, "type", _("This row has no type."), lost=True)
                continue
            block = _BLOCK.fullmatch(typed)
            if block and block[1].lower() == "end":
                word, _items, item = open_blocks[-1]
                if not word:
                    raise Unreadable(_("Row %(row)d ends a group that was not begun.") % {"row": number})
                open_blocks.pop()
                if word == "loop" and item is not None:
                    item["items"] = self._looped(item)
                continue
            made = self._item(row, typed, number)
            if made is None:
                if block:  # a loop over nothing: what is in it goes where the loop stood
                    open_blocks.append(("lost", open_blocks[-1][1], None))
                continue
            open_blocks[-1][1].append(made)
            if block:
                word = "loop" if block[2].lower() == "loop" else made["kind"]
                open_blocks.append((word, made["items"], made))
            elif made.pop("other", False):
                open_blocks[-1][1].append(self._other(made))
        if len(open_blocks) > 1:
            raise Unreadable(_("A group is begun and never ended: add a row “end group” or “end repeat”."))
        return top

    @staticmethod
    def _typed(row: Mapping[str, str]) -> str:
        found = next((cell for header, cell in row.items() if column(header)[0] == "type"), "")
        return " ".join(found.split())

    def _item(self, row: Mapping[str, str], typed: str, number: int) -> dict[str, Any] | None:
        item: dict[str, Any] = {}
        block = _BLOCK.fullmatch(typed)
        if block:
            kind = "group" if block[2].lower() in ("group", "loop") else "repeat"
            item |= {"kind": kind, "items": []}
            if block[3]:
                if block[3] not in self.choices:
                    self.remark(
                        "survey", number, "type", _("There is no list “%(list)s”.") % {"list": block[3]}, lost=True
                    )
                    return None
                item["loop"] = block[3]
        elif (known := TYPES.get(typed.casefold())) is not None:
            item["kind"] = known
        elif (select := self._select(typed)) is not None:
            item |= select
        else:
            what = _("The type “%(type)s” is not supported.") % {"type": typed}
            self.remark("survey", number, "type", what, lost=True)
            return None
        self._cells(item, row, number)
        if item["kind"] == "image" and "signature" in item.get("appearance", "").split():
            item["kind"] = "signature"
            item["appearance"] = " ".join(word for word in item["appearance"].split() if word != "signature")
        if not item.get("name"):
            item["name"] = f"{item['kind']}_{number}"
        return {key: value for key, value in item.items() if value != ""}

    def _select(self, typed: str) -> dict[str, Any] | None:
        words, other = re.subn(r"\s+or[ _]other$", "", typed, flags=re.IGNORECASE)
        name, _space, listed = words.rpartition(" ")
        kind = SELECTS.get(name.casefold())
        if kind is None or kind not in LISTS:
            return None
        return {"kind": kind, "list": listed, **({"other": True} if other else {})}

    def _cells(self, item: dict[str, Any], row: Mapping[str, str], number: int) -> None:
        for header, cell in row.items():
            ours, code = column(header)
            if not ours:
                item.setdefault("extra", {})[header.strip()] = cell
                self.once("survey", header.strip(), _("This column has no effect here."))
            elif ours in WORDS:
                item.setdefault(ours, {})[self._words(code)] = cell
            elif ours == "parameters":
                item["parameters"] = _parameters(cell)
            elif ours == "required":
                word = cell.strip().casefold()
                item["required"] = word in ("yes", "true", "true()") or (
                    cell.strip() if word not in ("no", "false", "false()") else ""
                )
            elif ours == "read_only":
                item["read_only"] = cell.strip().casefold() in ("yes", "true", "true()") or ""
            elif ours != "type":
                item[ours] = cell.strip()
            if ours in EXPRESSIONS and isinstance(item.get(ours), str) and item[ours]:
                self._compiled(item[ours], number, header)

    def _compiled(self, expression: str, number: int, header: str) -> None:
        try:
            expressions.compile(expression)
        except BadExpression as bad:
            self.remark("survey", number, header.strip(), str(bad))

    def _other(self, item: dict[str, Any]) -> dict[str, Any]:
        """ "or_other": the choice and the question that ODK makes of it."""
        words = dict.fromkeys(self.languages or {self.language: None})
        rows = self.choices.setdefault(item["list"], [])
        if all(row["name"] != "other" for row in rows):
            rows.append({"name": "other", "label": {code: _OTHER.get(code, "Other") for code in words}})
        return {
            "name": f"{item['name']}_other",
            "kind": "text",
            "label": {code: _WHICH.get(code, "Specify other.") for code in words},
            "relevant": f"selected(${{{item['name']}}}, 'other')",
        }

    def _looped(self, item: dict[str, Any]) -> list[dict[str, Any]]:
        """A loop is one group for each choice of its list."""
        rows = self.choices[item.pop("loop")]
        items = cast(list[dict[str, Any]], item["items"])
        return [
            {"name": row["name"], "kind": "group", "label": dict(row["label"]), "items": deepcopy(items)}
            for row in rows
        ]


_OTHER = {"fr": "Autre", "pt": "Outro", "en": "Other"}
_WHICH = {"fr": "Précisez.", "pt": "Especifique.", "en": "Specify other."}


def kept_columns() -> Iterator[str]:
    """Every column that has an effect here, for the documentation."""
    yield from sorted(set(COLUMNS.values()))
