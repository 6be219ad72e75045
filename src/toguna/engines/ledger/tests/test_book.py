"""The book: exact, append-only, balanced whatever happens; receipts without gaps; each franc in one place."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from fractions import Fraction

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.ledger import billing, book, joined, joining, paying, settling, suspense
from toguna.engines.ledger.apportioning import Owed, shares, spread
from toguna.engines.ledger.billing import RECEIVABLE, Due
from toguna.engines.ledger.book import ADVANCES, Leg, Mismatch, Refused
from toguna.engines.ledger.models import Bill, Desk, Entry, Line, Payer, Payment, Period, Suspense, Wish
from toguna.engines.ledger.paying import SUSPENSE
from toguna.kernel.access import ADMINISTRATOR, Actor, Denied, Grant

BY = Actor(account=1, staff=True)
CHIEF = Actor(account=2, staff=True, grants=(Grant(ADMINISTRATOR, "ledger"),))
OTHER = Actor(account=3, staff=True, grants=(Grant(ADMINISTRATOR, "ledger"),))
TODAY = timezone.localdate


@pytest.fixture
def books(db):
    for code, kind in (
        (RECEIVABLE, "asset"),
        (ADVANCES, "liability"),
        (SUSPENSE, "liability"),
        (settling.LOST, "expense"),
        ("571", "asset"),
        ("7011", "income"),
        ("7012", "income"),
    ):
        book.account(code, kind)
    return Desk.objects.create(name="Counter", prefix="GC", account=book.account("5721", "asset"))


def key() -> str:
    return uuid.uuid4().hex


def bill(payer: Payer, *amounts: int, due: date | None = None) -> Bill:
    kinds = ["principal", "penalty", "fee"]
    lines = [
        Due("rebate" if one < 0 else kinds[n % 3], f"line {n}", one, ("7011", "7012")[n % 2])
        for n, one in enumerate(amounts)
    ]
    return billing.issue(payer, lines, key=key(), due=due or TODAY(), by=BY)


def zero() -> None:
    """Every entry sums to zero, and so does the book."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT entry_id FROM ledger_line GROUP BY entry_id HAVING sum(amount) <> 0) wrong"
        )
        assert cursor.fetchone()[0] == 0
    rows = book.trial()
    assert sum(debit for _one, debit, _credit in rows) == sum(credit for _one, _debit, credit in rows)


def test_the_same_key_is_written_once_and_other_figures_are_refused(books):
    legs = [Leg("571", 500), Leg("7011", -500)]
    first, again = (book.post("test", legs, key="k", by=BY) for _twice in range(2))
    assert first.pk == again.pk and Line.objects.count() == 2
    with pytest.raises(Mismatch):
        book.post("test", [Leg("571", 600), Leg("7011", -600)], key="k", by=BY)


@pytest.mark.parametrize(
    "legs", [[], [Leg("571", 5)], [Leg("571", 5), Leg("7011", -4)], [Leg("571", 0), Leg("7011", 0)]]
)
def test_what_does_not_balance_is_refused(books, legs):
    with pytest.raises(Refused, match="balance"):
        book.post("test", legs, key=key(), by=BY)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger_line SET amount = 1", "DELETE FROM ledger_line", "TRUNCATE ledger_line", "UPDATE ledger_entry SET words = 'x'",
        "DELETE FROM ledger_entry", "TRUNCATE ledger_entry CASCADE",
        "INSERT INTO ledger_line (entry_id, number, account_id, day, amount) SELECT id, 9, (SELECT min(id) FROM ledger_account), day, 5 FROM ledger_entry",
        "INSERT INTO ledger_line (entry_id, number, account_id, day, amount) SELECT e.id, n, (SELECT min(id) FROM ledger_account), day,"
        " CASE n WHEN 3 THEN 5 ELSE -5 END FROM ledger_entry e, generate_series(3, 4) n",
    ],
)  # fmt: skip
def test_the_database_itself_refuses_to_change_what_was_written(books, statement):
    book.post("test", [Leg("571", 500), Leg("7011", -500)], key="k", by=BY)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert Line.objects.count() == 2


def test_an_entry_is_taken_back_once_by_its_contrary(books):
    entry = book.post("test", [Leg("571", 500), Leg("7011", -500)], key="k", by=BY)
    with pytest.raises(Refused, match="why"):
        book.reverse(entry, reason=" ", key="r", by=BY)
    back = book.reverse(entry, reason="typed twice", key="r", by=BY)
    assert book.reverse(entry, reason="typed twice", key="r", by=BY).pk == back.pk
    with pytest.raises(Refused, match="taken back already"):
        book.reverse(entry, reason="again", key="r2", by=BY)
    assert book.balance("571") == 0


def test_nothing_is_written_in_a_closed_period(books):
    old = TODAY() - timedelta(days=40)
    period = Period.objects.create(since=old - timedelta(days=5), until=old + timedelta(days=5))
    entry = book.post("test", [Leg("571", 500), Leg("7011", -500)], key="k", by=BY, at=old)
    book.close(period, by=BY)
    with pytest.raises(Refused, match="closed"):
        book.post("test", [Leg("571", 500), Leg("7011", -500)], key="k2", by=BY, at=old)
    book.reverse(entry, reason="wrong", key="r", by=BY)  # in the open period
    assert book.balance("571", at=old) == 500 and book.balance("571") == 0


def test_balances_are_the_same_before_and_after_a_checkpoint(books):
    for n in range(30):
        book.post(
            "test", [Leg("571", n + 1), Leg("7011", -n - 1)], key=f"k{n}", by=BY, at=TODAY() - timedelta(days=n % 5)
        )
    days = [None, *(TODAY() - timedelta(days=n) for n in range(6))]
    before = [book.balance("571", at=day) for day in days]
    assert book.checkpoint() == book.checkpoint() == Line.objects.latest("pk").pk
    assert [book.balance("571", at=day) for day in days] == before and before[0] == 465
    book.post("test", [Leg("571", 5), Leg("7011", -5)], key="after", by=BY)
    assert book.balance("571") == 470


def test_a_bill_is_paid_in_parts_and_what_is_over_is_an_advance(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000, 200)
    assert billing.owed_by(payer.pk) == 1200 == one.left
    first = paying.take(700, "XOF", "cash", desk=books, payer=payer.pk, key="p1", by=BY)
    assert paying.take(700, "XOF", "cash", desk=books, payer=payer.pk, key="p1", by=BY).pk == first.pk
    with pytest.raises(Mismatch):
        paying.take(701, "XOF", "cash", desk=books, payer=payer.pk, key="p1", by=BY)
    second = paying.take(900, "XOF", "cash", desk=books, payer=payer.pk, key="p2", by=BY)
    one.refresh_from_db()
    assert one.state == Bill.State.PAID and billing.owed_by(payer.pk) == 0 and billing.advance_of(payer.pk) == 400
    assert paying.receipt_number(second).endswith("-000002") and paying.gaps(books, second.year) == []
    zero()


def test_a_payment_taken_back_owes_again_and_keeps_its_number(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000)
    taken = paying.take(1000, "XOF", "cash", desk=books, bills=[one.pk], key="p1", by=BY)
    with pytest.raises(Denied):
        paying.void(taken.pk, reason="wrong bill", by=BY)
    for _twice in range(2):
        paying.void(taken.pk, reason="wrong bill", by=CHIEF)
    one.refresh_from_db()
    assert one.state == Bill.State.OPEN and one.left == 1000 and billing.owed_by(payer.pk) == 1000
    assert paying.take(5, "XOF", "cash", desk=books, bills=[one.pk], key="p2", by=BY).number == 2
    zero()


def test_a_cancelled_bill_gives_back_what_was_paid_as_an_advance(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000)
    paying.take(300, "XOF", "cash", desk=books, bills=[one.pk], key="p1", by=BY)
    with pytest.raises(Denied):
        billing.cancel(one.pk, reason="the stall is gone", by=BY)
    for _twice in range(2):
        billing.cancel(one.pk, reason="the stall is gone", by=CHIEF)
    assert billing.owed_by(payer.pk) == 0 and billing.advance_of(payer.pk) == 300
    zero()


def test_money_of_nobody_is_suspense(books):
    paying.take(300, "XOF", "mtn", desk=books, key="p1", by=BY, bills=[], reference="unknown")
    assert book.balance(SUSPENSE) == -300
    zero()


def test_a_run_issues_each_bill_once(books):
    payers = [Payer.objects.create(name=f"P{n}") for n in range(50)]
    for _twice in range(2):
        billing.stage()
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO ledger_run (key, payer, amount, words) VALUES (%s, %s, %s, 'Stall')",
                [[f"market:{one.pk}", one.pk, 500] for one in payers],
            )
        issued = billing.run(income="7011", due=TODAY(), by=BY)
    assert (
        issued == 0 and Bill.objects.count() == 50 and len(set(Bill.objects.values_list("reference", flat=True))) == 50
    )
    assert book.balance(RECEIVABLE) == 25_000 and Entry.objects.count() == 50
    paying.take(500, "XOF", "cash", desk=books, bills=[Bill.objects.first().pk], key="p", by=BY)
    assert book.balance(RECEIVABLE) == 24_500
    zero()


def test_twenty_thousand_bills_in_one_run_after_one_that_was_cut_off(books):
    day = TODAY()

    def staged() -> None:
        billing.stage()
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ledger_run (key, payer, amount, words) SELECT 'm:' || id, id, 500 + id % 7, 'Stall' FROM ledger_payer WHERE name LIKE 'M%'"
            )

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_payer (name) SELECT 'M' || n FROM generate_series(1, 20000) n")
        staged()
        with transaction.atomic():
            assert billing.run(income="7011", due=day, by=BY) == 20_000
            transaction.set_rollback(True)
        # The tables have pages now, and no rows: what is believed of them must not make the next one look through all for each.
        cursor.execute("ANALYZE ledger_bill, ledger_bill_line, ledger_entry, ledger_line")
        cursor.execute("SET LOCAL statement_timeout = '15s'")
        staged()
        assert billing.run(income="7011", due=day, by=BY) == 20_000
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("ANALYZE ledger_bill, ledger_bill_line, ledger_entry, ledger_line")
        staged()
        assert billing.run(income="7011", due=day, by=BY) == 0
        cursor.execute("SELECT count(DISTINCT reference), count(*), sum(amount) FROM ledger_bill")
        references, bills, amount = cursor.fetchone()
    assert references == bills == 20_000 and book.balance(RECEIVABLE) == amount and Line.objects.count() == 40_000
    zero()


_ENTRIES = """
WITH e AS (
    INSERT INTO ledger_entry (key, kind, day, currency, lines_count, reverses_id)
    SELECT 'many:' || n, 'bill', current_date, 'XOF', 2, {reverses} FROM generate_series(1, 600) n RETURNING id, key
)
INSERT INTO ledger_line (entry_id, number, account_id, day, amount, payer_id)
SELECT {entry}, leg.number, {account}, {day}, {amount}, {payer}
FROM (SELECT id, substr(key, 6)::int AS n FROM e) e CROSS JOIN (VALUES (1, 1), (2, -1)) AS leg(number, sign) WHERE {those}
"""
_SOUND = {
    "reverses": "NULL::bigint", "entry": "e.id", "account": "%(account)s", "day": "current_date", "amount": "leg.sign * 500",
    "payer": "(%(payers)s::bigint[])[1 + n %% 8]", "those": "true",
}  # fmt: skip
_WRONG = {
    "reverses": "CASE WHEN n = 300 THEN 999999999 END", "entry": "e.id + CASE WHEN n = 300 THEN 600 ELSE 0 END",
    "account": "CASE WHEN n = 300 THEN 999999999 ELSE %(account)s END", "day": "current_date + (n = 300)::int",
    "amount": "leg.sign * CASE WHEN n = 300 THEN 500 + leg.number ELSE 500 END",
    "payer": "CASE WHEN n = 300 THEN 999999999 ELSE (%(payers)s::bigint[])[1 + n %% 8] END", "those": "n <> 300 OR leg.number = 1",
}  # fmt: skip


@pytest.mark.parametrize("what", ["nothing", "closed", *_WRONG])
def test_many_lines_at_once_are_looked_at_as_one_by_one(books, what):
    payers = [Payer.objects.create(name=f"P{n}").pk for n in range(8)]
    Payer.objects.filter(pk=payers[3]).delete()  # a number between them that nobody has
    values = {"account": book.account_id("7011"), "payers": [*payers[:3], None, *payers[4:]]}
    if what == "closed":
        Period.objects.create(since=TODAY(), until=TODAY(), closed=timezone.now())
    statement = _ENTRIES.format(**{**_SOUND, **({what: _WRONG[what]} if what in _WRONG else {})})
    with connection.cursor() as cursor:
        if what == "nothing":
            cursor.execute(statement, values)
            assert Line.objects.count() == 1200
        else:
            with pytest.raises(DatabaseError, match="ledger"):
                cursor.execute(statement, values)


@pytest.mark.parametrize("what", ["nothing", "bill", "payer", "tariff", "income"])
def test_many_lines_of_bills_at_once_have_all_that_they_name(books, what):
    payer, gone = Payer.objects.create(name="P").pk, 999_999_999
    odd = "n = 300"
    statement = f"""
    WITH b AS (
        INSERT INTO ledger_bill (reference, key, payer_id, tariff_id, currency, amount, issued, due)
        SELECT 'R' || n, 'many:' || n, CASE WHEN {odd if what == "payer" else "false"} THEN {gone} ELSE {payer} END,
            CASE WHEN {odd if what == "tariff" else "false"} THEN {gone} END, 'XOF', 5, current_date, current_date
        FROM generate_series(1, 1200) n RETURNING id, substr(key, 6)::int AS n
    )
    INSERT INTO ledger_bill_line (bill_id, number, kind, words, income_id, amount)
    SELECT id + CASE WHEN {odd if what == "bill" else "false"} THEN 1200 ELSE 0 END, 1, 'principal', '',
        CASE WHEN {odd if what == "income" else "false"} THEN {gone} ELSE {book.account_id("7011")} END, 5 FROM b
    """
    with connection.cursor() as cursor:
        if what == "nothing":
            cursor.execute(statement)
            assert Bill.objects.count() == 1200
        else:
            with pytest.raises(DatabaseError, match="a line of a bill without"):
                cursor.execute(statement)


def test_a_credit_note_makes_a_bill_less_and_what_is_over_is_an_advance(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000, 500)
    paying.take(1200, "XOF", "cash", desk=books, bills=[one.pk], key="p1", by=BY)
    with pytest.raises(Denied):
        settling.credit(one.pk, 700, reason="closed in May", key="c", by=BY)
    for _twice in range(2):
        note = settling.credit(one.pk, 700, reason="closed in May", key="c", by=CHIEF)
    one.refresh_from_db()
    assert (one.amount, one.paid, one.state, note.number) == (800, 800, Bill.State.PAID, 1)
    assert billing.advance_of(payer.pk) == 400 and billing.owed_by(payer.pk) == 0
    with pytest.raises(Refused, match="made less"):
        paying.void(Payment.objects.get().pk, reason="x", by=CHIEF)
    zero()


def test_a_bill_made_less_and_then_cancelled_owes_nothing(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000, 500)
    settling.credit(one.pk, 700, reason="closed in May", key="c", by=CHIEF)
    for _twice in range(2):
        billing.cancel(one.pk, reason="the stall is gone", by=CHIEF)
    assert billing.owed_by(payer.pk) == 0 and billing.advance_of(payer.pk) == 0 and book.balance("7011") == 0
    zero()


def test_a_plan_is_exact_and_says_what_is_late(books):
    one = bill(Payer.objects.create(name="Awa"), 10_000)
    days = [TODAY() + timedelta(days=30 * n) for n in range(3)]
    parts = settling.plan(one.pk, days, by=CHIEF, step=25)
    assert [part.amount for part in parts] == [3325, 3325, 3350] and parts[-1].upto == 10_000
    one.refresh_from_db()
    assert settling.late(one, days[1]) == 3325 and settling.late(one, days[0]) == 0
    paying.take(4000, "XOF", "cash", desk=books, bills=[one.pk], key="p", by=BY)
    one.refresh_from_db()
    assert settling.late(one, days[1]) == 0 and settling.late(one, days[2]) == 2650
    with pytest.raises(Refused, match="sum"):
        settling.plan(one.pk, days[1:], by=CHIEF, amounts=[1, 2])


def test_what_costs_the_town_is_approved_by_another(books):
    payer = Payer.objects.create(name="Awa")
    one = bill(payer, 1000)
    wish = settling.ask_write_off(one.pk, reason="died, no heirs", key="w", by=CHIEF)
    with pytest.raises(Refused, match="Another person"):
        settling.decide(wish.pk, True, by=CHIEF)
    with pytest.raises(Denied):
        settling.decide(wish.pk, True, by=BY)
    for _twice in range(2):
        settling.decide(wish.pk, True, by=OTHER)
    one.refresh_from_db()
    assert one.state == Bill.State.WRITTEN_OFF and one.left == 0 and book.balance(settling.LOST) == 1000
    with pytest.raises(Refused, match="otherwise"):
        settling.decide(wish.pk, False, note="no", by=OTHER)
    zero()


def test_money_paid_ahead_goes_back_once(books):
    payer = Payer.objects.create(name="Awa")
    paying.take(900, "XOF", "cash", desk=books, payer=payer.pk, key="p", by=BY)
    with pytest.raises(Refused, match="that much"):
        settling.ask_refund(payer.pk, 901, books, currency="XOF", reason="moved", key="r0", by=CHIEF)
    wishes = [
        settling.ask_refund(payer.pk, 600, books, currency="XOF", reason="moved", key=f"r{n}", by=CHIEF) for n in (1, 2)
    ]
    settling.decide(wishes[0].pk, True, by=OTHER)
    with pytest.raises(Refused, match="any more"):
        settling.decide(wishes[1].pk, True, by=OTHER)
    assert billing.advance_of(payer.pk) == 300 and book.balance("5721") == 300
    zero()


def test_a_payment_taken_back_takes_back_what_it_had_paid_ahead(books):
    payer = Payer.objects.create(name="Awa")
    first = paying.take(1000, "XOF", "cheque", desk=books, payer=payer.pk, key="p", by=BY)
    one = bill(payer, 800)
    assert one.state == Bill.State.PAID
    paying.void(first.pk, reason="the cheque bounced", by=CHIEF)
    one.refresh_from_db()
    assert one.left == 800 and billing.advance_of(payer.pk) == 0 and billing.owed_by(payer.pk) == 800
    zero()


def test_one_who_was_joined_to_another_pays_with_it_whatever_came_before_and_since(books):
    kept, gone = Payer.objects.create(name="Awa"), Payer.objects.create(name="Awa T.")
    before = paying.take(5000, "XOF", "cheque", desk=books, payer=gone.pk, key="before", by=BY)
    one, two = bill(kept, 1200), bill(kept, 800, due=TODAY() - timedelta(days=9))
    entry = book.post("paid-ahead", [Leg("571", 100), Leg(ADVANCES, -100, gone.pk)], key="again", by=BY)
    for _twice in range(2):
        joining.join(kept.pk, gone.pk, by=CHIEF)
    one.refresh_from_db(), two.refresh_from_db()
    assert (one.left, two.left) == (0, 0) and billing.advance_of(gone.pk) == billing.advance_of(kept.pk) == 3100
    assert book.post("paid-ahead", [Leg("571", 100), Leg(ADVANCES, -100, gone.pk)], key="again", by=BY) == entry
    assert bill(gone, 600).left == 0 and bill(kept, 1500).left == 0  # issued to either
    late = bill(gone, 2000)
    assert late.left == 1000 and billing.advance_of(kept.pk) == 0
    paying.take(1300, "XOF", "cash", desk=books, payer=kept.pk, key="since", by=BY)
    late.refresh_from_db()
    assert late.left == 0 and billing.advance_of(gone.pk) == 300
    third = Payer.objects.create(name="A. Traoré")
    joining.join(third.pk, gone.pk, by=CHIEF)  # all three
    assert set(Payer.objects.filter(joined=third).values_list("pk", flat=True)) == {kept.pk, gone.pk}
    assert book.balance(ADVANCES, payer=third.pk) == -300 == book.balance(ADVANCES)
    paying.void(before.pk, reason="the cheque bounced", by=CHIEF)
    assert sum(row.left for row in Bill.objects.all()) == 4700 and billing.advance_of(third.pk) == 0
    zero()


def test_money_for_a_bill_that_is_paid_already_is_its_payers_and_never_nobodys(books):
    payer = Payer.objects.create(name="A")
    one = bill(payer, 900)
    for n in range(2):
        paying.take(900, "XOF", "cash", desk=books, bills=[one.pk], key=f"p{n}", by=BY)
    assert book.balance(SUSPENSE) == 0 and billing.advance_of(payer.pk) == 900
    zero()


@pytest.mark.django_db(transaction=True)
def test_eight_cashiers_at_one_desk_of_whom_some_fail_leave_no_gap(books):
    payers = [Payer.objects.create(name=f"P{n}") for n in range(4)]
    for payer in payers:
        bill(payer, 500)

    def cashier(number: int) -> list[int]:
        mine = []
        try:
            for n in range(20):
                try:
                    with transaction.atomic():
                        who = payers[(number + n) % 4].pk
                        row = paying.take(100, "XOF", "cash", desk=books, payer=who, key=f"{number}:{n}", by=BY)
                        if n == number:  # one in twenty dies after its number was given
                            raise PowerCut
                except PowerCut:
                    continue
                mine.append(row.number)
        finally:
            connection.close()
        return mine

    with ThreadPoolExecutor(8) as pool:
        numbers = [number for mine in pool.map(cashier, range(8)) for number in mine]
    assert sorted(numbers) == list(range(1, 8 * 19 + 1)), "each number once, and none that no receipt has"
    assert paying.gaps(books, TODAY().year) == [] and book.balance("5721") == 100 * len(numbers)
    assert paying.counter(books.pk, TODAY().year) == len(numbers)
    zero()


# --- Properties

ACTIONS = st.lists(
    st.tuples(st.sampled_from(["bill", "pay", "payer", "void", "cancel", "again", "checkpoint", "credit", "plan", "give-up", "refund", "join", "unknown", "sort", "crash"]), st.integers(0, 3), st.integers(1, 2000)),
    min_size=1, max_size=14,
)  # fmt: skip


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(ACTIONS)
def test_whatever_happens_each_franc_is_in_one_place(books, actions):
    with transaction.atomic():
        _play(books, actions)
        transaction.set_rollback(True)


class PowerCut(Exception):
    """The process dies where this is raised."""


def _play(desk: Desk, actions: list[tuple[str, int, int]]) -> None:
    payers = [Payer.objects.create(name=f"P{n}") for n in range(2)]
    for payer in payers:
        bill(payer, 900, 100)
    taken = 0
    for n, (what, which, amount) in enumerate(actions):
        bills, payments = list(Bill.objects.order_by("pk")), list(Payment.objects.order_by("pk"))
        one = bills[which % len(bills)] if bills else None
        payment = payments[which % len(payments)] if payments else None
        try:
            with transaction.atomic():
                if what == "bill":
                    bill(payers[which % 2], amount, amount // 3 + 1, -(amount // 5))
                elif what == "pay" and one is not None:
                    paying.take(amount, "XOF", "cash", desk=desk, bills=[one.pk], key=f"p{n}", by=BY)
                elif what == "payer":
                    paying.take(amount, "XOF", "cash", desk=desk, payer=payers[which % 2].pk, key=f"p{n}", by=BY)
                elif what == "void" and payment is not None:
                    paying.void(payment.pk, reason="x", by=CHIEF)
                elif what == "cancel" and one is not None:
                    billing.cancel(one.pk, reason="x", by=CHIEF)
                elif what == "again" and payment is not None:
                    assert (
                        paying.take(payment.amount, "XOF", "cash", desk=desk, key=payment.key, by=BY).pk == payment.pk
                    )
                elif what == "credit" and one is not None:
                    settling.credit(one.pk, amount, reason="x", key=f"c{n}", by=CHIEF)
                elif what == "plan" and one is not None:
                    days = [TODAY() + timedelta(days=day) for day in range(1, amount % 5 + 3)]
                    parts = settling.plan(one.pk, days, by=CHIEF, step=(1, 5, 25)[which % 3])
                    assert sum(part.amount for part in parts) == Bill.objects.get(pk=one.pk).left
                elif what == "give-up" and one is not None:
                    settling.decide(
                        settling.ask_write_off(one.pk, reason="x", key=f"w{n}", by=CHIEF).pk, True, by=OTHER
                    )
                elif what == "refund":
                    wish = settling.ask_refund(
                        payers[which % 2].pk, amount, desk, currency="XOF", reason="x", key=f"r{n}", by=CHIEF
                    )
                    settling.decide(wish.pk, True, by=OTHER)
                elif what == "join":  # again, and the other way round: nothing happens
                    one_of, other_of = (payer.pk for payer in (payers if which % 2 else reversed(payers)))
                    once = joined.holder(one_of) == joined.holder(other_of)
                    joining.join(one_of, other_of, by=CHIEF)
                    assert (
                        once
                        or not billing.advance_of(one_of)
                        or not Bill.objects.filter(state=Bill.State.OPEN).exists()
                    )
                elif what == "unknown":
                    suspense.aside(paying.take(amount, "XOF", "cash", desk=desk, key=f"u{n}", by=BY), "unknown")
                elif what == "sort":
                    row = Suspense.objects.filter(resolved=None).order_by("pk").first()
                    if row is not None and one is not None:
                        whose = {"bills": [one.pk]} if which % 2 else {"payer": one.payer_id}
                        suspense.resolve(row.pk, **whose, note="x", by=CHIEF)
                elif what == "crash":
                    paying.take(amount, "XOF", "cash", desk=desk, payer=payers[which % 2].pk, key=f"x{n}", by=BY)
                    raise PowerCut
                elif what == "checkpoint":
                    book.checkpoint()
        except PowerCut:  # nothing of it is there; half of those who were cut off send it again
            assert not Payment.objects.filter(key=f"x{n}").exists()
            if which > 1:
                paying.take(amount, "XOF", "cash", desk=desk, payer=payers[which % 2].pk, key=f"x{n}", by=BY)
        except Refused:
            continue
    taken = sum(one.amount for one in Payment.objects.filter(void=""))
    taken -= sum(one.amount for one in Wish.objects.filter(kind="refund", state="done"))
    assert book.balance("5721") == taken
    assert -book.balance(SUSPENSE) == sum(one.payment.amount for one in Suspense.objects.filter(resolved=None))
    assert paying.gaps(desk, TODAY().year) == []
    owed = sum(one.left for one in Bill.objects.all())
    assert book.balance(RECEIVABLE) == owed
    for payer in payers:
        assert billing.owed_by(payer.pk) == sum(one.left for one in Bill.objects.filter(payer=payer))
        assert billing.advance_of(payer.pk) >= 0
        payer.refresh_from_db()
        if payer.joined_id is not None:  # nothing of theirs stays behind, whatever came before and since
            assert book.balance(ADVANCES, payer=payer.pk) == 0
            assert billing.advance_of(payer.pk) == billing.advance_of(payer.joined_id) == -book.balance(ADVANCES)
    for one in Bill.objects.all():
        assert one.paid == sum(line.paid for line in one.lines.all()) and 0 <= one.paid <= one.amount
    zero()


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(0, 1000), min_size=1, max_size=12).filter(any))
def test_a_division_among_heirs_is_exact(amount, weights):
    parts = shares(amount, weights)
    assert sum(parts) == amount
    assert all(
        abs(part - Fraction(amount * weight, sum(weights))) < 1 for part, weight in zip(parts, weights, strict=True)
    )


@given(
    st.integers(0, 5000),
    st.lists(
        st.tuples(st.integers(1, 4), st.sampled_from(["principal", "penalty", "fee"]), st.integers(1, 900)), max_size=8
    ),
    st.sampled_from(["oldest-first", "costs-first", "principal-first"]),
)
def test_what_is_paid_goes_somewhere_once(amount, rows, order):
    owed = [Owed(which, n, kind, date(2026, 1, which), left) for n, (which, kind, left) in enumerate(rows)]
    given_, over = spread(amount, owed, order)
    assert sum(part for _one, part in given_) + over == amount
    assert all(0 < part <= one.left for one, part in given_) and (
        over == 0 or sum(one.left for one in owed) == amount - over
    )
