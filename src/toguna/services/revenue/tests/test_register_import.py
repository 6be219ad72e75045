"""A table is brought: columns recognised, lines looked at, doubles decided, written once."""

from __future__ import annotations

import io
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from openpyxl import Workbook

from toguna.engines.ledger import api as ledger
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.revenue.models import Base, ImportRow, ImportRun, Taxed, Taxpayer
from toguna.services.revenue.register import importing

HEAD = "Nom et prénom;Téléphone;Surface (m2);Place;Latitude;Longitude\n"
LINES = (
    "Awa Traoré;70 00 00 01;4,5;P1;12.0051;-0.995\n"
    "Awa TRAORE;70 00 00 01;3;P2;12.0051;-0.9951\n"  # the same one, a second stall
    "Moussa Keita;;douze;P3;12.0051;-0.995\n"
    ";70 00 00 02;3;P4;;\n"
    "Loin Dehors;;3;P5;48.85;2.35\n"
    "Fatou Diarra;70 00 00 09;2;P6;12.0051;-0.99\n"
)


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def send(client, raw: bytes, name: str = "marche.csv"):
    page = client.post("/desk/register/imports/", {"base": "etal", "file": SimpleUploadedFile(name, raw)})
    assert page.status_code == 302, page.content.decode()
    return page.url


def text_of(response) -> str:
    return response.content.decode()


def test_a_table_from_the_file_to_the_register(hire, stall):
    there = stall("Fatou Diara", phone="+22370000009").parts.get().taxpayer
    agent = hire()
    page = send(agent, (HEAD + LINES).encode("cp1252"))
    form = text_of(agent.get(page))
    for heading in ("Nom et prénom", "Téléphone", "Surface (m2)", "Place", "Latitude"):
        assert f'value="{heading}" selected' in form, heading
    run = ImportRun.objects.get()
    agent.post(f"{page}/act", {"do": "read", **{f"column-{name}": heading for name, heading in run.columns.items()}})
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.counts) == ("read", {"lines": 6, "problems": 3, "doubles": 1})
    problems = text_of(agent.get(f"{page}?view=problems"))
    assert (
        "line 4" in problems and "Surface" in problems and "hors de la commune" in problems and "pas de nom" in problems
    )
    doubles = text_of(agent.get(f"{page}?view=doubles"))
    assert "Fatou Diara" in doubles and there.number[:4] in doubles
    agent.post(f"{page}/act", {"do": "bring"})
    assert ImportRun.objects.get().state == "read"  # a double waits
    double = ImportRow.objects.get(same=there)
    agent.post(f"{page}/act?view=doubles", {"do": "decide", f"row-{double.pk}": "same"})
    agent.post(f"{page}/act", {"do": "bring"})
    run_jobs()
    run.refresh_from_db()
    assert (run.state, run.counts["taxed"], run.counts["taxpayers"]) == ("done", 3, 1)
    assert Taxpayer.objects.count() == 2 and there.parts.count() == 2  # Awa with two stalls; Fatou's second
    awa = Taxpayer.objects.get(folded="awa traore", parts__taxed__words="P1")
    assert awa.phone == "+22370000001" and awa.zone.name == "Zongo"
    assert send(agent, (HEAD + LINES).encode("cp1252")) == page  # the same file: the same run
    importing.bring_job.func(run=run.pk)
    assert Taxed.objects.count() == 4
    assert ledger.Payer.objects.count() == 2


def test_a_spreadsheet_and_what_was_brought_under_another_name(hire, stall):
    book = Workbook()
    book.active.append(["Redevable", "Contact", "Superficie", "Emplacement"])
    book.active.append(["Awa Traoré", 70000001, 4, "Place 12"])
    book.active.append(["Binta Sow", 70000002, 6.5, "Place 13"])
    raw = io.BytesIO()
    book.save(raw)
    stall("Awa Traoré", phone="+22370000001")  # has "Place 12" already
    run = importing.receive(Base.objects.get(slug="etal"), "x.xlsx", raw.getvalue(), by=SYSTEM)
    importing.look(run.pk, run.columns, by=SYSTEM)
    run_jobs()
    run.refresh_from_db()
    assert run.counts == {"lines": 2, "problems": 1, "doubles": 0}
    assert "déjà" in ImportRow.objects.get(number=2).problem
    importing.bring(run.pk, by=SYSTEM)
    run_jobs()
    assert Taxed.objects.get(words="Place 13").measures == {"m2": "6.5"}


def test_a_power_cut_in_the_middle_leaves_the_rest_to_the_next_try(town, monkeypatch):
    lines = "".join(f"Trader {uuid.uuid4().hex};;3;P{n};12.0051;-0.995\n" for n in range(30))
    run = importing.receive(Base.objects.get(slug="etal"), "x.csv", (HEAD + lines).encode(), by=SYSTEM)
    importing.look(run.pk, run.columns, by=SYSTEM)
    run_jobs()
    importing.bring(run.pk, by=SYSTEM)
    monkeypatch.setattr(importing, "CHUNK", 10)
    calls, share = [], importing._share

    def cut(pk: int, value: int) -> None:
        calls.append(value)
        if len(calls) == 2:
            raise RuntimeError("the power goes")
        share(pk, value)

    monkeypatch.setattr(importing, "_share", cut)
    with pytest.raises(RuntimeError):
        importing.bring_job.func(run=run.pk)
    assert Taxed.objects.count() == 20
    run_jobs()
    assert Taxed.objects.count() == 30 and ImportRun.objects.get().state == "done"


def test_only_who_keeps_the_whole_register_brings_tables(hire, zongo):
    agent = hire(zone=zongo.pk)
    page = agent.post("/desk/register/imports/", {"base": "etal", "file": SimpleUploadedFile("x.csv", HEAD.encode())})
    assert page.status_code == 403 and not ImportRun.objects.exists()
    assert hire("reader").get("/desk/register/imports/").status_code == 403


def test_a_thousand_lines_cost_as_many_statements_as_one(town, django_assert_max_num_queries):
    lines = "".join(f"Trader {n:05d} {n % 97};7{n:07d};3;P{n};12.0051;{-0.999 + n * 1e-6:.6f}\n" for n in range(1000))
    run = importing.receive(Base.objects.get(slug="etal"), "x.csv", (HEAD + lines).encode(), by=SYSTEM)
    importing.look(run.pk, run.columns, by=SYSTEM)
    with django_assert_max_num_queries(30):
        run_jobs()
    importing.bring(run.pk, by=SYSTEM)
    with django_assert_max_num_queries(45):
        run_jobs()
    assert Taxed.objects.count() == 1000
