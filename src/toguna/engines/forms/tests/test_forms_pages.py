"""The desk's pages of forms: an XLSForm is brought, published, offered, taken out again with its answers."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook, load_workbook

from toguna.engines.forms import actions
from toguna.engines.forms.models import FieldKey, Form
from toguna.engines.forms.xlsform import reading
from toguna.engines.people.api import create_staff
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import NOBODY
from toguna.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    account = create_staff(
        email="head@town.example", name="Head", password="a long enough phrase 73", grants=[("manager", "*", None)]
    )
    sign_in(client, account)
    return client


def workbook(*rows: list[str], name: str = "well.xlsx") -> SimpleUploadedFile:
    book = Workbook()
    sheet = book.active
    sheet.title = "survey"
    for row in rows:
        sheet.append(row)
    settings = book.create_sheet("settings")
    settings.append(["form_id", "form_title"])
    settings.append(["well", "Puits"])
    stream = io.BytesIO()
    book.save(stream)
    return SimpleUploadedFile(name, stream.getvalue())


GOOD = (
    ["type", "name", "label", "trigger"],
    ["text", "who", "Qui ?", ""],
    ["integer", "depth", "Profondeur", "${who}"],
)


def bring(desk: Client, file: SimpleUploadedFile) -> object:
    return desk.post("/desk/forms/", {"file": file, "service": "forms"})


def test_from_a_workbook_to_the_answers(desk: Client) -> None:
    page = bring(desk, workbook(*GOOD))
    assert page.status_code == 200
    assert "trigger" in page.content.decode()
    assert Form.objects.get().current is None
    desk.post("/desk/forms/well/change", {"do": "publish"})
    desk.post("/desk/forms/well/change", {"do": "field"})
    form = Form.objects.select_related("current").get()
    assert form.current is not None
    assert form.field
    assert form.titles == {"fr": "Puits"}
    filling = actions.open_filling(form, by=NOBODY)
    actions.complete(filling, by=NOBODY, code=filling.code, answers={"who": "=cmd()", "depth": -12})
    csv = b"".join(desk.get("/desk/forms/well/answers.csv").streaming_content).decode()
    head, row = csv.lstrip("\ufeff").splitlines()
    assert head == "code,version,completed,channel,who,depth"
    assert row.endswith(",'=cmd(),-12")
    assert AuditEntry.objects.filter(action="forms.download").count() == 1
    again = load_workbook(io.BytesIO(desk.get("/desk/forms/well/form.xlsx").content))
    assert [cell.value for cell in again["survey"][2]][:2] == ["text", "who"]
    assert "Puits" in desk.get("/desk/forms/").content.decode()
    desk.post("/desk/forms/well/change", {"do": "close"})
    form.refresh_from_db()
    with pytest.raises(actions.Refused):
        actions.open_filling(form, by=NOBODY)


@pytest.mark.parametrize(
    "file",
    [
        SimpleUploadedFile("a.xlsx", b"no"),
        SimpleUploadedFile("a.xlsx", b"PK" + b"0" * reading.LARGEST),
        workbook(["type", "name", "label"], ["text", "a b", "A"]),
        workbook(["type", "name", "label"], ["text", "a", ""]),
    ],
)
def test_a_workbook_that_is_no_form_is_refused_in_words(desk: Client, file: SimpleUploadedFile) -> None:
    file.seek(0)
    page = bring(desk, file)
    assert page.status_code == 422
    assert not Form.objects.exists()


def test_a_form_with_a_problem_is_kept_and_not_published(desk: Client) -> None:
    page = bring(desk, workbook(["type", "name", "label", "relevant"], ["text", "a", "A", "${b} = 1"]))
    assert "“b”" in page.content.decode()
    desk.post("/desk/forms/well/change", {"do": "publish"})
    assert Form.objects.get().current is None


def test_the_password_for_collect_is_shown_once(desk: Client) -> None:
    shown = desk.post("/desk/odk", {"do": "make"}).content.decode()
    key = FieldKey.objects.get()
    assert key.username in shown
    assert 'role="img"' in shown
    assert 'role="img"' not in desk.get("/desk/odk").content.decode()
    desk.post("/desk/odk", {"do": "revoke"})
    assert not FieldKey.objects.exists()


@pytest.mark.parametrize(
    "path",
    ["/desk/forms/", "/desk/forms/well", "/desk/forms/well/form.xlsx", "/desk/forms/well/answers.csv", "/desk/odk"],
)
def test_nobody_else_opens_them(client: Client, path: str) -> None:
    assert client.get(path).status_code == 302
    reader = create_staff(
        email="r@town.example", name="R", password="a long enough phrase 73", grants=[("reader", "*", None)]
    )
    sign_in(client, reader)
    assert client.get(path).status_code == 403


def test_the_real_forms_come_in_by_the_page(desk: Client) -> None:
    folder = Path(__file__).resolve().parents[6] / "shared" / "data" / "xlsforms"
    if not folder.exists():
        pytest.skip("the real forms are not beside the checkout")
    for path in sorted(folder.glob("*.xls*")):
        assert bring(desk, SimpleUploadedFile(path.name, path.read_bytes())).status_code == 200
    for form in Form.objects.all():
        desk.post(f"/desk/forms/{form.slug}/change", {"do": "publish"})
    assert Form.objects.filter(current=None).count() == 0
