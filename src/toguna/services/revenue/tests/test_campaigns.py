"""A campaign: everybody billed once, at the price of the tariff, whatever stops it; what could not be priced is said."""

from __future__ import annotations

from fractions import Fraction

import pytest
from django.db import connection
from django.utils import timezone

from toguna.engines.ledger import billing, book
from toguna.engines.ledger.api import shares
from toguna.engines.ledger.models import Bill, BillLine, Line, Payer
from toguna.engines.ledger.tariffs import pricing
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.campaigns import actions, simulating
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
            quote = pricing.quote(
                rule, measures_of(thing.code), "XOF", words="Taxe foncière", exemptions=[thing.exemption], language="fr"
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
        and row.exempt == Taxed.objects.filter(exemption="ecole").exclude(measures={}).count() - 0
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
    book.post(
        "payment", [book.Leg(desk.code, 2000), book.Leg(billing.ADVANCES, -2000, payer.pk)], key="ahead", by=SYSTEM
    )
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
