"""Receipts of devices without network: a wrong clock, the same block twice, a device stolen; no number is ever lost."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.ledger import billing, blocks, book, paying
from toguna.engines.ledger.billing import RECEIVABLE, Due
from toguna.engines.ledger.book import ADVANCES
from toguna.engines.ledger.models import Bill, Desk, Payer, Payment, Suspense, VoidNumber
from toguna.engines.ledger.paying import SUSPENSE
from toguna.kernel.access import SYSTEM, Actor

BY = Actor(account=1, staff=True)


def year() -> int:
    return timezone.localdate().year


@pytest.fixture
def desk(db) -> Desk:
    for code, kind in ((RECEIVABLE, "asset"), (ADVANCES, "liability"), (SUSPENSE, "liability"), ("7011", "income")):
        book.account(code, kind)
    return Desk.objects.create(name="Awa", kind="device", prefix="T1", account=book.account("57301", "asset"))


def bill(amount: int = 500) -> Bill:
    payer = Payer.objects.create(name="Stall")
    return billing.issue(
        payer, [Due("principal", "Stall", amount, "7011")], key=uuid.uuid4().hex, due=timezone.localdate(), by=BY
    )


def take(block, number: int, amount: int = 500, key: str = "", **more) -> Payment:
    return blocks.take_offline(block, number, amount, "XOF", "cash", key=key or f"{number}", by=BY, **more)


def test_a_block_is_given_once_while_half_of_it_is_left(desk):
    one = blocks.reserve(desk, "tablet", 10, by=BY)
    assert (one.first, one.last) == (1, 10) and blocks.reserve(desk, "tablet", 10, by=BY).pk == one.pk
    other = blocks.reserve(desk, "phone", 5, by=BY)
    assert (other.first, other.last) == (11, 15)
    assert paying.take(100, "XOF", "cash", desk=desk, payer=Payer.objects.create().pk, key="p", by=BY).number == 16
    for number in range(1, 7):
        take(one, number)
    assert blocks.reserve(desk, "tablet", 10, by=BY).first == 17
    assert paying.gaps(desk, year()) == []
    assert blocks.end(one, why="back at the office", by=BY) == 4 and blocks.end(one, why="again", by=BY) == 0
    assert paying.gaps(desk, year()) == [] and VoidNumber.objects.count() == 4


def test_a_clock_wrong_by_two_years_changes_no_day(desk):
    block, owed = blocks.reserve(desk, "tablet", 10, by=BY), bill()
    long_ago = timezone.now() - timedelta(days=730)
    row = take(block, 3, bills=[owed.pk], at=long_ago)
    assert row.number == 3 and row.said_at == long_ago and abs(row.at - timezone.now()) < timedelta(minutes=1)
    assert row.entry.day == timezone.localdate() and row.year == year()
    ahead = take(block, 4, at=timezone.now() + timedelta(days=730))
    assert ahead.entry.day == timezone.localdate() and ahead.said_at is not None
    owed.refresh_from_db()
    assert owed.state == Bill.State.PAID


def test_two_devices_with_the_same_block_keep_both_payments(desk):
    block, one, two = blocks.reserve(desk, "tablet", 5, by=BY), bill(), bill()
    first = take(block, 1, key="first", bills=[one.pk])
    second = take(block, 1, key="second", bills=[two.pk])
    assert first.number == 1 and first.printed == ""
    assert second.number == 6 and second.printed == f"T1-{year()}-000001"
    assert take(block, 1, key="second", bills=[two.pk]).pk == second.pk, "sent again, it is the same"
    two.refresh_from_db()
    assert two.state == Bill.State.PAID and paying.gaps(desk, year()) == []


def test_what_a_stolen_device_sends_is_put_aside(desk):
    block, owed = blocks.reserve(desk, "tablet", 5, by=BY), bill()
    take(block, 1)
    assert blocks.stolen(desk, by=BY) == 4
    for _twice in range(2):
        late = take(block, 2, key="late", bills=[owed.pk])
    assert Suspense.objects.get().payment_id == late.pk and "stolen" in Suspense.objects.get().reason
    assert late.number == 6 and late.printed.endswith("000002") and book.balance(SUSPENSE) == -1000
    owed.refresh_from_db()
    assert owed.state == Bill.State.OPEN and paying.gaps(desk, year()) == []


def test_the_proof_of_a_receipt_is_of_its_block_number_and_amount(desk):
    block, other = blocks.reserve(desk, "tablet", 5, by=BY), blocks.reserve(desk, "phone", 5, by=BY)
    mine = blocks.proof(blocks.secret(block), 1, 500, "XOF")
    assert mine == blocks.proof(blocks.secret(block), 1, 500, "XOF")
    assert mine not in {
        blocks.proof(blocks.secret(other), 1, 500, "XOF"),
        blocks.proof(blocks.secret(block), 2, 500, "XOF"),
        blocks.proof(blocks.secret(block), 1, 501, "XOF"),
    }


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    st.lists(
        st.tuples(st.sampled_from(["reserve", "online", "offline", "end", "again", "void"]), st.integers(0, 3), st.integers(1, 12)),
        max_size=25,
    )
)  # fmt: skip
def test_whatever_comes_in_whatever_order_no_number_is_lost(db, actions):
    with transaction.atomic():
        desk = Desk.objects.create(name="T", prefix=uuid.uuid4().hex[:8], account=book.account("57302", "asset"))
        for code, kind in ((RECEIVABLE, "asset"), (ADVANCES, "liability"), (SUSPENSE, "liability")):
            book.account(code, kind)
        payer, mine, taken = Payer.objects.create().pk, [], 0
        for n, (what, which, number) in enumerate(actions):
            if what == "reserve":
                mine.append(blocks.reserve(desk, f"d{which}", number, by=BY))
            elif what == "online":
                paying.take(10, "XOF", "cash", desk=desk, payer=payer, key=f"{desk.prefix}-{n}", by=BY)
                taken += 10
            elif mine and what == "offline":
                row = mine[which % len(mine)]
                row.refresh_from_db()
                take(row, number, 10, key=f"{desk.prefix}-{n}", payer=payer)
                taken += 10
            elif mine and what == "end":
                blocks.end(mine[which % len(mine)], why="x", by=BY)
            elif what in ("again", "void") and (last := Payment.objects.filter(desk=desk, void="").first()):
                if what == "again":
                    paying.take(10, "XOF", "cash", desk=desk, key=last.key, by=BY)
                else:
                    paying.void(last.pk, reason="x", by=SYSTEM)
                    taken -= 10
            assert paying.gaps(desk, year()) == []
        assert book.balance("57302") == taken
        transaction.set_rollback(True)
