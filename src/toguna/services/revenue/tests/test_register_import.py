"""A table is brought: columns recognised, lines looked at, doubles decided, written once."""

from __future__ import annotations

import io
import random
import uuid

import pytest
from django.contrib.gis.geos import Point
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from openpyxl import Workbook

from toguna.engines.ledger import api as ledger
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.revenue.models import Base, ImportRow, ImportRun, Taxed, Taxpayer
from toguna.services.revenue.register import importing, matching

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


# Each line against each taxpayer: what a clerk with endless time would weigh.
_EACH = f"""
SELECT DISTINCT ON (r.id) r.id, t.id, w.score FROM revenue_import_row r CROSS JOIN revenue_taxpayer t CROSS JOIN LATERAL (
    SELECT LEAST(99, round(60 * similarity(t.folded, r.values ->> 'folded')
        + CASE WHEN t.phone <> '' AND t.phone = r.values ->> 'phone' THEN 35 ELSE 0 END
        + CASE WHEN t.tax_number <> '' AND t.tax_number = r.values ->> 'tax_number' THEN 60 ELSE 0 END
        - CASE WHEN t.tax_number <> '' AND r.values ->> 'tax_number' NOT IN ('', t.tax_number) THEN 40 ELSE 0 END
        + CASE WHEN abs(ST_X(t.point) - (r.values ->> 'lon')::float8) <= 0.0004 AND abs(ST_Y(t.point) - (r.values ->> 'lat')::float8) <= 0.0004
            THEN 15 ELSE 0 END))::int AS score) w
WHERE t.active AND w.score >= {matching.LEAST} ORDER BY r.id, w.score DESC, t.id
"""
_FIRST = [
    "awa",
    "aissata",
    "moussa",
    "mousa",
    "binta",
    "fatoumata",
    "fatou",
    "oumar",
    "omar",
    "kadi",
    "kadidiatou",
    "bi",
    "yo",
    "mariam",
    "mariame",
]
_LAST = [
    "traore",
    "keita",
    "diarra",
    "diara",
    "sow",
    "coulibaly",
    "coulibali",
    "kone",
    "konate",
    "ouattara",
    "sanogo",
    "bamba",
    "cisse",
    "bah",
    "ba",
]


@pytest.mark.parametrize("seed", [3, 8])
def test_whoever_may_be_the_same_is_found_as_if_each_were_weighed_against_each(town, seed):
    luck = random.Random(seed)

    def name() -> str:
        few = luck.choice([3, 14])  # some names are everybody's
        words = [luck.choice(_FIRST[:few]) for _n in range(luck.choice([1, 1, 2]))] + [luck.choice(_LAST[:few])]
        words += ["commerce general et transport", "et freres import export"][: luck.choice([0, 0, 0, 1, 2])]
        return " ".join(words)

    def place() -> tuple[float, float]:
        return round(-0.998 + luck.randrange(40) * 0.00013, 6), round(12.002 + luck.randrange(40) * 0.00013, 6)

    there = [
        (name(), luck.choice(["", f"+22370{n // 2:06d}"]), luck.choice(["", "", f"NIF{n}"]), place())
        for n in range(250)
    ]
    payers = ledger.new_payers([one[0] for one in there])
    Taxpayer.objects.bulk_create(
        [
            Taxpayer(number=f"T{n}", name=who, folded=who, phone=phone, tax_number=tax, point=Point(*at, srid=4326), payer_id=payer)
            for n, ((who, phone, tax, at), payer) in enumerate(zip(there, payers, strict=True))
        ]
    )  # fmt: skip

    def typed(who: str) -> str:
        at, words = luck.randrange(len(who)), who.split()
        turned, initial = " ".join(reversed(words)), f"{who} {luck.choice(words)[0]}"
        return luck.choice([who, turned, initial, who[:at] + who[at + 1 :], who[:at] + luck.choice("aeiou") + who[at:]])

    run = ImportRun.objects.create(name="x", sha256="0" * 64, base=Base.objects.get(slug="etal"))
    rows = []
    for n in range(300):
        who, phone, tax, at = luck.choice(there) if n % 3 else (name(), "", "", place())
        at = place() if luck.random() < 0.5 else (at[0] + luck.uniform(-0.0003, 0.0003), at[1])
        said = {
            "folded": typed(who).strip(),
            "phone": luck.choice(["", phone]),
            "tax_number": luck.choice(["", "", tax, f"X{n}"]),
        }
        rows.append(ImportRow(run=run, number=n, values=said if n % 5 == 0 else {**said, "lon": at[0], "lat": at[1]}))
    ImportRow.objects.bulk_create(rows)
    matching.match(run.pk)
    with connection.cursor() as cursor:
        cursor.execute(_EACH)
        wanted = sorted(cursor.fetchall())
    found = sorted(ImportRow.objects.filter(same__isnull=False).values_list("pk", "same", "score"))
    assert found == wanted and 150 < len(found) < 300, (len(found), len(wanted))
    assert len({score for _line, _who, score in found}) > 20  # of all kinds, not only the sure ones
