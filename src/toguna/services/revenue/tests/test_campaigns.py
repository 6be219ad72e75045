"""A campaign: everybody billed once, at the price of the tariff, whatever stops it; what could not be priced is said."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from urllib.parse import quote

import pypdfium2 as pdfium
import pytest
import zxingcpp
from django.db import connection
from django.utils import timezone, translation

from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import billing, book
from toguna.engines.ledger.api import shares
from toguna.engines.ledger.models import Bill, BillLine, Line, Payer
from toguna.engines.ledger.tariffs import pricing
from toguna.engines.territory.models import Zone
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import forget_jobs, run_jobs, until
from toguna.services.revenue.campaigns import actions, notices, simulating, telling
from toguna.services.revenue.models import Campaign, Part, Taxed
from toguna.services.revenue.tests.revenue_world import districts, fill, houses, measures_of

TODAY = timezone.localdate


@pytest.fixture
def town(db):
    zones = districts()
    base = houses()
    fill(base, 2000, zones)
    return base


def new(base, label="2026"):
    return actions.create(base, label, day=TODAY(), due=TODAY(), times={}, notices=True, by=SYSTEM)


def run(row, monkeypatch, piece=700):
    monkeypatch.setattr(actions, "PIECE", piece)
    actions.start(row.pk, by=SYSTEM)
    pieces = 0
    while actions.issue_piece(row.pk):
        pieces += 1
    row.refresh_from_db()
    return pieces


def test_everybody_is_billed_once_as_one_by_one(town, monkeypatch):
    row = new(town)
    assert run(row, monkeypatch) == 3
    assert (row.state, row.priced) == ("issued", 2000)
    rule = actions.tariff_of(row).rule
    owners: dict[str, list[Part]] = {}
    for part in Part.objects.select_related("taxed", "taxpayer").order_by("taxpayer"):
        owners.setdefault(part.taxed.code, []).append(part)
    there = {bill.key: bill for bill in Bill.objects.prefetch_related("lines")}
    expected = {}
    lacking = 0
    for thing in Taxed.objects.all():
        parts = owners.get(thing.code, [])
        try:
            with translation.override("fr"):
                quote = pricing.quote(
                    rule, measures_of(thing.code), "XOF", words="Taxe foncière", exemptions=[thing.exemption]
                )
        except pricing.Missing:
            lacking += 1
            continue
        lacking += not parts
        if parts:
            amounts = shares(quote.total, [Fraction(part.weight) for part in parts])
            for part, amount in zip(parts, amounts, strict=True):
                if amount:
                    expected[f"{row.slug}:{thing.code}:{part.taxpayer.number}"] = (
                        amount,
                        part.taxpayer.payer_id,
                        quote,
                        len(parts),
                    )
    assert {key: (bill.amount, bill.payer_id) for key, bill in there.items()} == {k: v[:2] for k, v in expected.items()}
    assert (
        row.unpriced == lacking == row.left_out.count() > 0
        and row.exempt == Taxed.objects.filter(exemption="ecole").exclude(measures={}).count()
    )
    for key, bill in there.items():
        lines = [(line.kind, line.words, line.amount) for line in bill.lines.all()]
        assert sum(amount for _kind, _words, amount in lines) == bill.amount
        if expected[key][3] == 1:
            assert lines == [(line.kind, line.words, line.amount) for line in expected[key][2].lines]
    assert row.issued == len(there) and row.amount == sum(bill.amount for bill in there.values())
    assert book.balance(billing.RECEIVABLE) == row.amount == -book.balance("7311")
    shared = Bill.objects.filter(words__contains="(3/6)").first()
    assert shared is not None and "× 3/6" in shared.lines.first().words


def test_begun_again_only_the_rest_is_billed(town, monkeypatch):
    row = new(town)
    run(row, monkeypatch)
    before = (row.issued, row.amount, Line.objects.count(), BillLine.objects.count())
    again = run(row, monkeypatch)
    assert again == 3 and (row.issued, row.amount, Line.objects.count(), BillLine.objects.count()) == before
    broken = row.left_out.filter(why="measure").first().taxed
    assert row.left_out.filter(why="measure").first().lacking == "m2"
    Taxed.objects.filter(pk=broken.pk).update(measures={"m2": "30"})
    unpriced = row.unpriced
    run(row, monkeypatch)
    assert row.issued == before[0] + broken.parts.count() and row.unpriced == unpriced - 1


def test_what_was_paid_ahead_pays(town, monkeypatch):
    payer = Payer.objects.get(name="Owner 1")
    desk = billing.book.account("5721", "asset")
    book.post("payment", [book.Leg(desk.code, 2000), book.Leg(book.ADVANCES, -2000, payer.pk)], key="ahead", by=SYSTEM)
    row = new(town)
    run(row, monkeypatch)
    assert sum(bill.paid for bill in Bill.objects.filter(payer=payer)) == 2000 and billing.advance_of(payer.pk) == 0


def test_another_tariff_is_tried_and_nothing_is_written(town, django_assert_max_num_queries):
    rule = actions.ledger.tariff(town.tariff).rule
    with django_assert_max_num_queries(20):
        same = simulating.simulate(town, rule, None, day=TODAY(), times={})
    other = simulating.simulate(town, rule, simulating.scaled(rule, 120), day=TODAY(), times={})
    assert same.now == same.then == other.now and other.then > other.now
    assert other.things == 2000 and other.more > 0 and other.less == 0 and sum(other.classes) == other.priced
    assert sum(zone[1] for zone in other.zones) == 2000 and sum(zone[3] for zone in other.zones) == other.then
    assert other.lacking == [["m2", 20]] and other.rises[0][3] > other.rises[0][2]
    assert not Bill.objects.exists()
    by_hand = 0
    for thing in Taxed.objects.all():
        try:
            by_hand += pricing.quote(
                simulating.scaled(rule, 120), measures_of(thing.code), "XOF", words="", exemptions=[thing.exemption]
            ).total
        except pricing.Missing:
            continue
    assert other.then == by_hand


def test_a_closed_town_refuses(town):
    with pytest.raises(actions.Refused):
        new(town, " ")
    new(town)
    with pytest.raises(actions.Refused):
        new(town)
    assert Campaign.objects.count() == 1


def test_pieces_of_the_sweep_leave_no_table(town, monkeypatch):
    run(new(town), monkeypatch)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('pg_temp.revenue_sweep')")
        assert cursor.fetchone() == (None,)


def test_thousands_of_bills_by_the_page_and_the_worker(town, hire, monkeypatch):
    """As a head of service does it: prepare, try, bill, print, send; then once more, and nothing is said twice. In more pieces than
    the 20,000 of a town would be."""
    fill(town, 2000, list(Zone.objects.filter(level=2)), first=2001)
    monkeypatch.setattr(actions, "PIECE", 900)
    monkeypatch.setattr(telling, "PIECE", 300)
    client = hire("manager")
    page = client.post(
        "/desk/revenue/campaigns/", {"base": town.pk, "label": "2026", "day": TODAY(), "due": TODAY(), "notices": "on"}
    )
    assert page.status_code == 302
    address = page["Location"]
    assert client.post(f"{address}/act", {"do": "try"}).status_code == 302
    page = client.get(address).content.decode()
    assert "4000" in page and "Bill everybody" in page and not Bill.objects.exists()
    assert client.post(f"{address}/act", {"do": "start"}).status_code == 302
    assert "<progress" in client.get(address).content.decode()
    monkeypatch.setattr(
        notices, "_drawn", lambda row: (b"%PDF-1.7 " + str(len(row.which)).encode(), 1)
    )  # drawn for true below
    run_jobs()
    row = Campaign.objects.get()
    assert row.state == "issued" and row.priced == 4000 and row.issued == Bill.objects.count() > 4000
    page = client.get(address, {"sms": 1}).content.decode()
    files = list(row.files.all())
    assert sum(file.bills for file in files) == row.issued == len({pk for file in files for pk in file.which})
    assert all(file.done and notices.path(file).exists() for file in files)
    cost = telling.cost(row)
    assert f"{cost.messages} people have a telephone" in page and cost.parts >= cost.messages > 0
    client.post(f"{address}/act", {"do": "tell"})
    client.post(f"{address}/act", {"do": "tell"})
    run_jobs()
    sent = Message.objects.filter(key__startswith=f"revenue.campaign:{row.pk}:")
    assert sent.count() == cost.messages
    one = sent.first()
    assert sum(sms.size(text).parts for text in sent.values_list("text", flat=True)) == cost.parts
    assert one.lane == 10 and "Maisons 2026" in one.text and sms.size(one.text).alphabet == "GSM"
    client.post(f"{address}/act", {"do": "start"})
    run_jobs()
    assert Bill.objects.count() == row.issued and sent.count() == cost.messages and row.files.count() == len(files)


def test_a_notice_says_what_and_how(town, monkeypatch, hire, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    row = new(town)
    run(row, monkeypatch)
    monkeypatch.setattr(notices, "A_FILE", 12)
    notices.plan(row.pk)
    assert notices.plan(row.pk) == 0, "each bill is in one file"
    forget_jobs()  # of more than a hundred other files
    file = row.files.filter(zone__name="Quartier 2").order_by("part").first()
    notices.make.func(file=file.pk)
    client = hire("manager")
    answer = client.get(f"/desk/revenue/campaigns/{row.slug}/notices/{file.pk}")
    pdf = pdfium.PdfDocument(b"".join(answer.streaming_content))
    words = [pdf[n].get_textpage().get_text_range() for n in range(len(pdf))]
    bill = Bill.objects.get(pk=file.which[0])
    streets = [Taxed.objects.get(code=Bill.objects.get(pk=pk).about).street_name for pk in file.which]
    assert streets == sorted(streets) and "Quartier 2" in words[0] and streets[0] in words[0]
    first = next(page for page in words[1:] if notices.spaced(bill.reference) in page)
    assert "Taxe foncière" in first and f"/pay/{bill.reference}" in first and len(pdf) >= 1 + file.bills
    codes = zxingcpp.read_barcodes(pdf[words.index(first)].render(scale=3).to_pil())
    assert [code.text for code in codes] == [f"{settings.TOGUNA_URL}/pay/{bill.reference}"], (
        "a telephone reads its code"
    )
    notices.path(file).unlink()
    assert client.get(f"/desk/revenue/campaigns/{row.slug}/notices/{file.pk}").status_code == 302
    run_jobs()
    assert notices.path(file).exists()


def test_who_bills_only_a_district_bills_nobody(town, hire):
    new(town)
    zone = Zone.objects.get(name="Quartier 2")
    client = hire("manager", zone=zone.pk)
    assert client.get("/desk/revenue/campaigns/maisons-essai-2026").status_code == 200
    for what in ("try", "start", "pause", "print", "tell"):
        assert client.post("/desk/revenue/campaigns/maisons-essai-2026/act", {"do": what}).status_code == 403
    assert hire("agent").get("/desk/revenue/campaigns/").status_code == 403


def test_the_page_of_a_trial(town, hire):
    page = hire("manager").get("/desk/revenue/campaigns/tariffs", {"base": town.pk, "day": TODAY(), "percent": "120"})
    words = page.content.decode()
    assert page.status_code == 200 and "Quartier 2" in words and "10 to 25 % more" in words and "m2" in words
    wrong = hire("manager").get("/desk/revenue/campaigns/tariffs", {"base": town.pk, "day": "1999-01-01"})
    assert wrong.status_code == 422


@pytest.mark.django_db(transaction=True)
def test_of_a_district_and_of_the_town_at_the_same_moment_nobody_is_billed_twice(monkeypatch):
    zones = districts()
    base = houses()
    fill(base, 60, zones)
    zone = Taxed.objects.exclude(zone=None).values_list("zone", flat=True).first()
    district = actions.create(base, "2026", day=TODAY(), due=TODAY(), times={}, notices=True, by=SYSTEM, zone=zone)
    both = [new(base), district]
    for row in both:
        actions.start(row.pk, by=SYSTEM)
    meeting, stage = threading.Barrier(2), actions.ledger.stage

    def together() -> None:
        """Each has looked at what the other billed: both are here at once, or one waits for the other to be done."""
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=1)
        stage()

    monkeypatch.setattr(actions.ledger, "stage", together)

    def issue(row: Campaign) -> None:
        try:
            while actions.issue_piece(row.pk):
                pass
        finally:
            connection.close()

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(issue, both))
        billed = [key.split(":", 1)[1] for key in Bill.objects.values_list("key", flat=True)]
        assert billed and len(billed) == len(set(billed))
        assert set(Campaign.objects.values_list("state", flat=True)) == {"issued"}
    finally:
        forget_jobs()


@pytest.mark.django_db(transaction=True)
def test_killed_in_the_middle_it_goes_on_where_it_was():
    """kill -9 of the process that bills, twice, at any line; the last one ends it: each bill once, the book whole."""
    zones = districts()
    base = houses()
    fill(base, 3000, zones)
    row = new(base)
    code = (
        "import django; django.setup()\n"
        "from toguna.services.revenue.campaigns import actions\n"
        "from toguna.kernel.access import SYSTEM\n"
        "actions.PIECE = 150\n"
        f"actions.start({row.pk}, by=SYSTEM)\n"
        f"print('begun', flush=True)\n"
        f"actions.issue.func(campaign={row.pk})\n"
    )
    database = connection.settings_dict
    where = f"postgres://{database['USER']}@/{database['NAME']}?host={quote(str(database['HOST']), safe='')}&application_name=killed"
    given = {**os.environ, "DATABASE_URL": where, "PYTHONPATH": os.pathsep.join(sys.path)}
    reached = []

    def at_work() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'killed')")
            return cursor.fetchone()[0]

    for _time in range(2):
        worker = subprocess.Popen([sys.executable, "-c", code], env=given, stdout=subprocess.PIPE)
        assert worker.stdout is not None and worker.stdout.readline() == b"begun\n"
        there = Bill.objects.count()
        until(lambda there=there: Bill.objects.count() > there, pause=0.02)
        worker.kill()
        worker.wait()
        until(lambda: not at_work())  # what it had asked for is still done
        reached.append(Bill.objects.count())
        row.refresh_from_db()
        assert row.issued == Bill.objects.count() and row.amount == book.balance(billing.RECEIVABLE)
    assert 0 < reached[0] <= reached[1] < 3000
    actions.start(row.pk, by=SYSTEM)
    actions.issue.func(campaign=row.pk)
    row.refresh_from_db()
    assert row.state == "issued" and row.priced == 3000 and row.issued == Bill.objects.count() > reached[1]
    assert row.amount == book.balance(billing.RECEIVABLE) == -book.balance("7311")
    assert Bill.objects.values("key").distinct().count() == row.issued


def test_a_campaign_of_one_district_and_then_of_the_town_bills_nobody_twice(town, monkeypatch):
    where = Zone.objects.get(name="Quartier 2")
    tried = simulating.simulate(
        town, actions.tariff_of(new(town, "try")).rule, None, day=TODAY(), times={}, zone=where.pk
    )
    district = actions.create(
        town, "2026", day=TODAY(), due=TODAY(), times={}, notices=False, by=SYSTEM, zone=where.pk
    )  # fmt: skip
    run(district, monkeypatch)
    inside = set(Taxed.objects.filter(zone=where).values_list("code", flat=True))
    billed = set(Bill.objects.values_list("about", flat=True))
    assert district.priced == tried.things == len(inside) and billed and billed <= inside
    whole = new(town)
    run(whole, monkeypatch)
    assert whole.priced == 2000 and not Bill.objects.filter(key__startswith=f"{whole.slug}:", about__in=inside).exists()
    parts = list(Bill.objects.values_list("about", "payer"))
    assert len(parts) == len(set(parts)) > len(billed)
