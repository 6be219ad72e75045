"""XLSForm in and out: nothing that is supported is lost, what is not is said with its row, and ODK accepts what we make."""

from __future__ import annotations

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from pyxform.validators import odk_validate
from pyxform.xls2xform import convert

from toguna.engines.forms import definition, plan
from toguna.engines.forms.definition import Definition
from toguna.engines.forms.xlsform import reading, writing

REAL = Path(__file__).resolve().parents[6] / "shared" / "data" / "xlsforms"
FILES = sorted(REAL.glob("*.xls*"))

# One of everything that is supported.
WHOLE: dict[str, Any] = {
    "name": "whole",
    "titles": {"fr": "Tout", "pt": "Tudo"},
    "languages": ["fr", "pt"],
    "choices": {"l": [{"name": "a", "label": {"fr": "A", "pt": "Á"}, "more": {"part": "x"}}, {"name": "b", "label": {"fr": "B"}}]},
    "settings": {"instance_name": "${t}", "style": "pages"},
    "items": [
        {"name": "start", "kind": "start"},
        {"name": "t", "kind": "text", "label": {"fr": "=SOMME(1)", "pt": "Texto"}, "hint": {"fr": "Aide"}, "required": True,
         "required_message": {"fr": "Oui !"}, "constraint": "string-length(.) < 9", "constraint_message": {"fr": "Trop long."},
         "prefill": "person.name", "extra": {"guidance_hint::Français (fr)": "Plus long"}},
        {"name": "signed", "kind": "signature", "label": {"fr": "Signez"}},
        {"name": "r", "kind": "range", "label": {"fr": "R"}, "parameters": {"start": "0", "end": "10", "step": "2"}},
        {"name": "s", "kind": "select_one", "list": "l", "label": {"fr": "S"}, "choice_filter": "part = ${t}", "appearance": "minimal"},
        {"name": "m", "kind": "select_multiple", "list": "l", "label": {"fr": "M"}, "default": "a"},
        {"name": "k", "kind": "rank", "list": "l", "label": {"fr": "K"}},
        {"name": "ok", "kind": "acknowledge", "label": {"fr": "OK"}},
        {"name": "n", "kind": "integer", "label": {"fr": "N"}, "required": "${t} != ''", "read_only": True, "default": "3"},
        {"name": "note", "kind": "note", "label": {"fr": "Note"}},
        {"name": "g", "kind": "group", "label": {"fr": "G"}, "relevant": "${n} > 1", "items": [
            {"name": "c", "kind": "calculate", "calculation": "${n} * 2"},
            {"name": "rep", "kind": "repeat", "label": {"fr": "Rep"}, "count": "${n}", "items": [
                {"name": kind, "kind": kind, "label": {"fr": kind}}
                for kind in sorted(definition.ASKED - definition.LISTS - {"range", "signature"})
            ]},
        ]},
    ],
}  # fmt: skip


def odk_accepts(folder: Path) -> None:
    """Every XForm of the folder, by ODK's own validator (in one run of Java)."""
    if shutil.which("java") is None:
        pytest.skip("no Java here for ODK Validate")
    files = [str(path) for path in sorted(folder.glob("*.xml"))]
    command = ["java", "-Djava.awt.headless=true", "-jar", odk_validate.ODK_VALIDATE_PATH, *files]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    told = said.stdout + said.stderr
    assert said.returncode == 0, told[-3000:]
    assert told.count("Xform is valid!") == len(files), told[-3000:]


def again(form: Definition) -> Definition:
    loaded = reading.load(writing.workbook(form), "x.xlsx")
    assert not [remark for remark in loaded.remarks if remark.lost]
    return definition.read(loaded.definition)


def test_everything_that_is_supported_comes_back_the_same() -> None:
    form = definition.read(WHOLE)
    assert not list(definition.problems(WHOLE))
    assert not list(plan.problems(form))
    assert definition.dump(again(form)) == definition.dump(form)


def test_cells_are_texts_and_not_formulas() -> None:
    book = load_workbook(BytesIO(writing.workbook(definition.read(WHOLE))))
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)


def test_odk_accepts_our_xform(tmp_path: Path) -> None:
    made, md5 = writing.xform(definition.read(WHOLE), version="2026112301")
    assert re.fullmatch("[0-9a-f]{32}", md5)
    assert 'version="2026112301"' in made
    (tmp_path / "whole.xml").write_text(made)
    odk_accepts(tmp_path)


def test_odk_refuses_what_is_no_xform(tmp_path: Path) -> None:
    made, _md5 = writing.xform(definition.read(WHOLE))
    (tmp_path / "bad.xml").write_text(made.replace("string-length(.)", "string-length("))
    with pytest.raises(AssertionError):
        odk_accepts(tmp_path)


def binds(xform: str) -> list[tuple[str, ...]]:
    """What an XForm asks of each answer, apart from the order of attributes and from the name of its root."""
    found = []
    for bind in re.findall(r"<bind ([^>]*?)/?>", xform):
        attributes = dict(re.findall(r'([\w:]+)="([^"]*)"', bind))
        if "entities:" in bind or attributes["nodeset"].startswith("/data/meta"):
            continue
        if (
            attributes["nodeset"] == "/data/my_trigger"
        ):  # a "trigger" has no bind in pyxform, an "acknowledge" has: the same
            continue
        wanted = ("nodeset", "type", "required", "relevant", "constraint", "calculate", "readonly")
        found.append(tuple(" ".join(attributes.get(name, "").split()) for name in wanted))
    return sorted(found)


@pytest.mark.skipif(not FILES, reason="the real forms are not beside the checkout")
class TestRealForms:
    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_comes_back_the_same(self, path: Path) -> None:
        loaded = reading.load(path.read_bytes(), path.name)
        assert not list(definition.problems(loaded.definition))
        form = definition.read(loaded.definition)
        assert not list(plan.problems(form))
        assert not [remark for remark in loaded.remarks if remark.lost]
        assert again(form) == form

    @pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
    def test_asks_the_same_as_what_pyxform_makes_of_the_file_itself(self, path: Path) -> None:
        if path.name == "synthetic_recensement.xlsx":
            pytest.skip("its entities are kept and have no effect here")
        form = definition.read(reading.load(path.read_bytes(), path.name).definition)
        theirs = convert(path, form_name="data").xform
        assert binds(writing.xform(form)[0]) == binds(theirs)

    def test_odk_accepts_them_all(self, tmp_path: Path) -> None:
        for path in FILES:
            form = definition.read(reading.load(path.read_bytes(), path.name).definition)
            (tmp_path / f"{path.stem}.xml").write_text(writing.xform(form, version="1")[0])
        odk_accepts(tmp_path)

    def test_what_has_no_effect_is_said(self) -> None:
        loaded = reading.load((REAL / "synthetic_recensement.xlsx").read_bytes(), "x.xlsx")
        assert {(remark.sheet, remark.row, remark.column) for remark in loaded.remarks} == {
            ("survey", 1, "save_to"),
            ("entities", 0, ""),
        }


def book(*rows: list[str], choices: list[list[str]] | None = None) -> bytes:
    made = Workbook()
    sheet = made.active
    sheet.title = "survey"
    for row in rows:
        sheet.append(row)
    other = made.create_sheet("choices")
    for row in choices or [["list_name", "name", "label"]]:
        other.append(row)
    written = BytesIO()
    made.save(written)
    return written.getvalue()


def test_what_is_not_understood_is_said_with_its_row() -> None:
    loaded = reading.load(
        book(
            ["type", "name", "label", "calculation", "trigger"],
            ["text", "a", "A", None, "${a}"],
            ["osm", "b", "B"],
            [],
            ["calculate", "c", None, "pulldata('x', 'y', 'z', ${a})"],
            ["calculate", "d", None, "nothing("],
        ),
        "f.xlsx",
    )
    found = [(r.sheet, r.row, r.column, r.lost) for r in loaded.remarks]
    assert found == [
        ("survey", 1, "trigger", False),
        ("survey", 3, "type", True),
        ("survey", 5, "calculation", False),
        ("survey", 6, "calculation", False),
    ]
    assert "osm" in loaded.remarks[1].what
    assert "pulldata" in loaded.remarks[2].what


def test_or_other_and_loops_are_made_into_what_they_mean() -> None:
    choices = [["list_name", "name", "label"], ["l", "a", "A"], ["l", "b", "B"]]
    loaded = reading.load(
        book(
            ["type", "name", "label"],
            ["select_one l or_other", "s", "S"],
            ["begin loop over l", "each", "Each"],
            ["integer", "n", "N"],
            ["end loop"],
            choices=choices,
        ),
        "f.xlsx",
    )
    form = definition.read(loaded.definition)
    assert form.by_path["s_other",].relevant == "selected(${s}, 'other')"
    assert [c.name for c in form.choices["l"]] == ["a", "b", "other"]
    assert ("each", "b", "n") in form.by_path


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 not a zip",
        bytes.fromhex("d0cf11e0a1b11ae1") + b"no",
        b"type,name\ntext,a",
        book(),
        book(["type", "name"], ["end group", ""]),
        book(["type", "name"], ["begin group", "g"], ["text", "a"]),
        b"PK" + b"0" * (5 << 20),
    ],
)
def test_what_is_no_form_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(reading.Unreadable) as bad:
        reading.load(data, "f.xlsx")
    assert str(bad.value)
