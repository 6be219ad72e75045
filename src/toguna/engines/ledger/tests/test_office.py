"""The book's own pages: found, looked at, corrected, approved by another, closed, and given to the treasury as files."""

from __future__ import annotations

import csv
import io
import re
import uuid
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book, settling, suspense
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models import Bill, Period, Suspense, Wish
from toguna.kernel.access import SYSTEM, Actor, Grant

pytestmark = pytest.mark.usefixtures("chart")


def issued(amount: int = 9000, name: str = "Awa Koné", due: int = -3) -> Bill:
    lines = [ledger.Due("principal", "Stall 12: 12 m2 x 750 FCFA", amount, "7336")]
    day = timezone.localdate() + timedelta(days=due)
    return ledger.issue(ledger.payer(name), lines, key=uuid.uuid4().hex, due=day, by=SYSTEM, words="Stall 12")


def read(answer) -> str:
    return b"".join(answer.streaming_content).decode("utf-8-sig")


def test_a_bill_is_found_by_its_reference_or_its_payer(hire):
    client, bill = hire("agent"), issued()
    assert client.get("/desk/ledger/book/", {"q": bill.reference})["location"].endswith(
        f"/desk/ledger/book/bills/{bill.reference}"
    )
    page = client.get("/desk/ledger/book/", {"q": "koné"}).content.decode()
    assert f"/desk/ledger/book/payers/{bill.payer_id}" in page and "Accounts" not in page, "an agent reads no accounts"
    page = client.get("/desk/ledger/book/").content.decode()
    assert bill.reference[:5] in page and "9,000" in page
    page = client.get(f"/desk/ledger/book/bills/{bill.reference}").content.decode()
    assert "12 m2 x 750" in page and "credit note" not in page.lower()
    assert client.get("/desk/ledger/book/accounts").status_code == 403
    assert Client().get("/desk/ledger/book/").status_code == 302


def test_a_plan_a_credit_note_and_a_cancellation(hire):
    agent, manager, bill = hire("agent"), hire("manager"), issued()
    where = f"/desk/ledger/book/bills/{bill.reference}"
    first = timezone.localdate() + timedelta(days=1)
    told = {"do": "plan", "parts": "3", "first": first.isoformat(), "every": "month"}
    assert agent.post(where, {**told, "first": "2020-01-01"}).status_code == 422
    assert agent.post(where, told).status_code == 302
    parts = list(bill.instalments.all())
    assert [part.amount for part in parts] == [3000, 3000, 3000] and parts[0].due == first
    assert parts[2].due.day in (first.day, 28, 29, 30)
    credit = {"do": "credit", "credit-amount": "1 000", "credit-reason": "rain", "credit-client_id": str(uuid.uuid4())}
    assert agent.post(where, credit).status_code == 403
    for _twice in range(2):
        assert manager.post(where, credit).status_code == 302
    bill.refresh_from_db()
    assert bill.amount == 8000 and bill.credits.count() == 1
    cancel = {"do": "cancel", "cancel-reason": "the stall is gone", "cancel-client_id": str(uuid.uuid4())}
    assert agent.post(where, cancel).status_code == 403
    assert manager.post(where, cancel).status_code == 302
    bill.refresh_from_db()
    assert bill.state == Bill.State.CANCELLED and ledger.owed_by(bill.payer_id) == 0


def test_giving_up_is_asked_by_one_and_decided_by_another(hire):
    agent, manager, bill = hire("agent"), hire("manager"), issued()
    told = {"do": "off", "off-reason": "died, no heirs", "off-client_id": str(uuid.uuid4())}
    for _twice in range(2):
        assert agent.post(f"/desk/ledger/book/bills/{bill.reference}", told).status_code == 302
    wish = Wish.objects.get()
    assert "wait" in manager.get("/desk/ledger/book/").content.decode()
    assert "died, no heirs" in manager.get("/desk/ledger/book/wishes/").content.decode()
    assert agent.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "yes"}).status_code == 403
    assert manager.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "no"}).status_code == 422, "a refusal says why"
    assert manager.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "yes"}).status_code == 302
    bill.refresh_from_db()
    assert bill.state == Bill.State.WRITTEN_OFF and book.balance("6511") == 9000


def test_cash_is_given_back_out_of_a_desk(hire):
    desk = cashbook.new_desk("Guichet 1", by=SYSTEM)
    payer, same = ledger.payer("Awa"), ledger.payer("Awa T.")
    ledger.take(5000, "XOF", "cash", desk=desk, payer=payer.pk, key="p", by=SYSTEM)
    ledger.join(same.pk, payer.pk, by=SYSTEM)
    agent, manager = hire("agent"), hire("manager")
    told = {"amount": "2 000", "where": f"desk:{desk.pk}", "reason": "moved", "client_id": str(uuid.uuid4())}
    assert agent.post(f"/desk/ledger/book/payers/{payer.pk}", {**told, "amount": "6000"}).status_code == 422
    page = agent.get(f"/desk/ledger/book/payers/{same.pk}").content.decode()
    assert "The same as" in page and "5,000" in page
    assert agent.post(f"/desk/ledger/book/payers/{payer.pk}", told).status_code == 302
    assert manager.post(f"/desk/ledger/book/wishes/{Wish.objects.get().pk}", {"do": "yes"}).status_code == 302
    assert ledger.advance_of(payer.pk) == 3000 == cashbook.held(desk)


def test_the_accounts_of_a_span_and_their_files(hire):
    manager, bill = hire("manager"), issued()
    other = issued(500, "=cmd|' /C calc'!A0")
    desk = cashbook.new_desk("Guichet 1", by=SYSTEM)
    ledger.take(4000, "XOF", "cash", desk=desk, bills=[bill.pk], key="p", by=SYSTEM)
    book.checkpoint()
    ledger.take(1000, "XOF", "cash", desk=desk, bills=[bill.pk], key="p2", by=SYSTEM)  # after the totals
    page = manager.get("/desk/ledger/book/accounts").content.decode()
    assert "9,500" in page and "4,500" in page
    today = timezone.localdate()
    span = {"since": today.replace(day=1).isoformat(), "until": today.isoformat()}
    rows = list(
        csv.reader(io.StringIO(read(manager.get("/desk/ledger/book/export/balance", {**span, "chart": "syscohada"}))))
    )
    by_code = {row[0]: row for row in rows[1:]}
    assert by_code["4111"][4:6] == ["9500", "5000"] and by_code["4111"][6] == "4500" and by_code["758"][5] == "9500"
    assert sum(int(row[4]) for row in rows[1:]) == sum(int(row[5]) for row in rows[1:])
    rows = list(
        csv.reader(io.StringIO(read(manager.get("/desk/ledger/book/export/journal", {**span, "chart": "m14"}))))
    )
    assert [row[0] for row in rows[1:]] == ["1", "1", "2", "2", "3", "3", "4", "4"], "entries without gaps"
    assert {row[4] for row in rows[1:]} == {"411", "7336", "531"}
    assert any(row[6].startswith("'=cmd") for row in rows), "no spreadsheet runs a payer's name"
    lines = read(manager.get("/desk/ledger/book/export/fec", span)).split("\r\n")
    assert lines[0].split("\t")[:4] == ["JournalCode", "JournalLib", "EcritureNum", "EcritureDate"]
    fec = [line.split("\t") for line in lines[1:] if line]
    assert all(len(row) == 18 and re.fullmatch(r"\d{8}", row[3]) for row in fec)
    assert sum(int(row[11]) for row in fec) == sum(int(row[12]) for row in fec) == 14_500
    assert manager.get("/desk/ledger/book/export/nothing").status_code == 404
    assert other.reference in manager.get("/desk/ledger/book/journal", {"kind": "bill"}).content.decode().replace(
        " ", ""
    )


def test_the_number_of_an_entry_is_the_same_in_every_export(hire):
    manager, today = hire("manager"), timezone.localdate()
    if today.day < 2:
        pytest.skip("needs two days of one month")
    for n, day in enumerate((today.replace(day=1), today, today)):
        book.post("test", [book.Leg("571", 5), book.Leg("7336", -5)], key=f"k{n}", by=SYSTEM, at=day)

    def exported(since: date) -> list[str]:
        answer = manager.get(
            "/desk/ledger/book/export/journal", {"since": since.isoformat(), "until": today.isoformat()}
        )
        return [row[0] for row in list(csv.reader(io.StringIO(read(answer))))[1::2]]

    assert exported(today.replace(day=1)) == ["1", "2", "3"] and exported(today) == ["2", "3"]


def test_an_account_a_journal_and_an_entry_open_from_one_another(hire):
    manager, bill = hire("manager"), issued()
    page = manager.get("/desk/ledger/book/accounts/411").content.decode()
    entry = re.search(r"/desk/ledger/book/entries/\d+", page)[0]
    page = manager.get(entry).content.decode()
    assert "9,000" in page and f"/desk/ledger/book/bills/{bill.reference}" in page
    assert entry in manager.get("/desk/ledger/book/journal").content.decode()
    desk = ledger.new_desk("Counter", by=SYSTEM)
    payment = ledger.take(100, "XOF", "cash", desk=desk, key="k", by=SYSTEM, bills=[bill.pk], reference="note 7")
    page = manager.get("/desk/ledger/book/journal").content.decode()
    assert f"{ledger.receipt_number(payment)} · Awa Koné · note 7" in page
    assert manager.get("/desk/ledger/book/accounts/nothing").status_code == 404


def test_months_are_closed_one_after_the_other(hire):
    manager, year = hire("manager"), timezone.localdate().year - 1
    for _twice in range(2):
        assert manager.post("/desk/ledger/book/periods", {"do": "year", "year": str(year)}).status_code == 302
    rows = list(Period.objects.order_by("since"))
    assert len(rows) == 12 and rows[1].until.day in (28, 29)
    manager.post("/desk/ledger/book/periods", {"period": rows[1].pk})
    assert Period.objects.exclude(closed=None).count() == 0, "the one before it is open"
    manager.post("/desk/ledger/book/periods", {"period": rows[0].pk})
    assert Period.objects.exclude(closed=None).get().pk == rows[0].pk
    with pytest.raises(ledger.Refused, match="closed"):
        book.post("test", [book.Leg("571", 5), book.Leg("7336", -5)], key="k", by=SYSTEM, at=rows[0].since)
    assert "closed" in manager.get("/desk/ledger/book/periods").content.decode()
    assert hire("agent").get("/desk/ledger/book/periods").status_code == 403


@pytest.mark.parametrize(
    "path",
    ["/desk/ledger/book/", "/desk/ledger/book/journal", "/desk/ledger/book/accounts", "/desk/ledger/book/accounts/411"],
)
def test_pages_cost_the_same_however_long(hire, path):
    manager = hire("manager")
    counted = []
    for _more in range(2):
        for _bill in range(5):
            issued()
        manager.get(path)
        with CaptureQueriesContext(connection) as queries:
            assert manager.get(path).status_code == 200
        counted.append(len(queries))
    assert counted[0] == counted[1] and counted[1] <= 30, counted


def test_money_that_nobody_could_match_is_given_back_when_another_approves(hire):
    one, other = hire("manager"), hire("manager")
    desk = ledger.new_desk("Window 1", by=SYSTEM)
    payment = ledger.take(7000, "XOF", "cash", desk=desk, key="unknown", by=SYSTEM)
    row = suspense.aside(payment, "nobody knows")
    where = f"/desk/ledger/suspense/{row.pk}"
    assert "Give it back" in one.get(where).content.decode()
    told = {"do": "back", "name": "Moussa Diarra", "where": str(desk.pk), "note": "he showed the SMS"}
    assert one.post(where, {**told, "name": ""}).status_code == 422
    assert one.post(where, {**told, "where": "operator"}).status_code == 422, "cash goes back in cash"
    assert book.balance("471") == -7000, "nothing of what was refused stays"
    for _again in range(2):
        assert one.post(where, told).status_code == 302
    wish = Wish.objects.get()
    assert (wish.amount, wish.payer.name, book.balance("471"), book.balance("4191")) == (
        7000,
        "Moussa Diarra",
        0,
        -7000,
    )
    assert ledger.held_at([desk.pk])[desk.pk] == 7000, "nobody approved it yet"
    with pytest.raises(ledger.Refused):
        settling.decide(wish.pk, True, by=_actor(one))
    settling.decide(wish.pk, True, by=_actor(other))
    assert ledger.held_at([desk.pk])[desk.pk] == 0 and book.balance("4191") == 0


def aside(amount: int, currency: str = "XOF") -> Suspense:
    """Money that came to a desk, and of which nobody knows."""
    desk = ledger.new_desk(f"Window {uuid.uuid4().hex[:6]}", by=SYSTEM)
    return suspense.aside(ledger.take(amount, currency, "cash", desk=desk, key=uuid.uuid4().hex, by=SYSTEM), "unknown")


def whole(row: Suspense) -> None:
    """The book sums to zero, nothing of this money waits, and its shares are what came."""
    row.refresh_from_db()
    assert sum(debit - credit for _account, debit, credit in book.trial()) == 0
    assert row.resolved is not None and row.entry is not None
    assert book.balance("471") == book.balance("471-EUR") == 0
    assert sum(share.amount for share in row.payment.shares.all()) == row.payment.amount


@pytest.mark.parametrize(
    ("came", "do", "left", "other", "ahead"),
    [
        (4000, "pay", 5000, 2000, 0),  # a part of the bill, though another of theirs is older
        (9000, "pay", 0, 2000, 0),
        (9500, "pay", 0, 2000, 500),  # too much for the bill: the rest is its payer's
        (1500, "ahead", 9000, 500, 0),  # for the payer: what is due first
        (11_600, "ahead", 0, 0, 600),
    ],
)
def test_money_of_nobody_is_sorted_to_a_bill_or_to_its_payer_once(hire, came, do, left, other, ahead):
    agent, manager, bill, row = hire("agent"), hire("manager"), issued(), aside(came)
    older = issued(2000, due=-30)
    Bill.objects.filter(pk=older.pk).update(payer=bill.payer_id)
    where = f"/desk/ledger/suspense/{row.pk}"
    assert bill.reference in manager.get(where, {"q": bill.reference}).content.decode()
    told = {"do": do, "bill": bill.reference, "note": "she showed the SMS"}
    assert agent.post(where, told).status_code == 403
    for wrong in ({"bill": "K7M2PQRS"}, {"bill": ""}, {"note": " "}):
        assert manager.post(where, {**told, **wrong}).status_code == 422, wrong
    assert book.balance("471") == -came, "nothing of what was refused stays"
    for _twice in range(2):
        assert manager.post(where, told).status_code == 302
    bill.refresh_from_db()
    older.refresh_from_db()
    assert (bill.left, older.left, ledger.advance_of(bill.payer_id)) == (left, other, ahead)
    whole(row)
    assert row.payment.payer_id == bill.payer_id and row.note == "she showed the SMS"
    assert book.Entry.objects.filter(kind="resolve").count() == 1
    assert "she showed the SMS" in manager.get(where).content.decode()
    assert "Nothing is in suspense" in manager.get("/desk/ledger/suspense/").content.decode()


def test_money_of_nobody_in_another_currency_pays_no_bill_of_ours_and_may_be_kept_ahead(hire):
    manager, bill, row = hire("manager"), issued(), aside(5000, "EUR")
    where = f"/desk/ledger/suspense/{row.pk}"
    assert book.balance("471-EUR") == -5000
    told = {"do": "pay", "bill": bill.reference, "note": "her cousin in Paris"}
    page = manager.post(where, told)
    assert page.status_code == 422 and "same currency" in page.content.decode()
    assert manager.post(where, {**told, "do": "ahead"}).status_code == 302
    bill.refresh_from_db()
    whole(row)
    assert bill.left == 9000 and book.balance("471-EUR") == 0
    # Fifty euros are no five thousand francs: neither a bill nor a refund in francs takes them.
    assert (ledger.advance_of(bill.payer_id), ledger.advance_of(bill.payer_id, "EUR")) == (0, 5000)
    line = ledger.Due("principal", "Stall 13", 3000, "7336")
    later = ledger.issue(bill.payer, [line], key="later", due=timezone.localdate(), by=SYSTEM)
    assert later.left == 3000 and ledger.advance_of(bill.payer_id, "EUR") == 5000
    with pytest.raises(ledger.Refused, match="that much ahead"):
        settling.ask_refund(
            bill.payer_id, 5000, row.payment.desk, currency="XOF", reason="x", key="r", by=_actor(manager)
        )
    keep = ledger.payer("Awa K.")
    ledger.join(keep.pk, bill.payer_id, by=SYSTEM)
    assert ledger.advance_of(keep.pk) == 0 and ledger.advance_of(keep.pk, "EUR") == 5000


def _actor(client) -> Actor:
    return Actor(account=client.account.pk, staff=True, grants=(Grant("manager", "*"),))


def test_what_collecting_costs_is_written_once_and_taken_back(hire):
    agent, manager = hire("agent"), hire("manager")
    page = "/desk/ledger/book/costs"
    book.Account.objects.filter(code__in=("401", "6611")).delete()  # a town of before
    assert agent.get(page).status_code == 403 and page in manager.get("/desk/ledger/book/").content.decode()
    desk, bill = cashbook.new_desk("Guichet 1", by=SYSTEM), issued(80_000)
    ledger.take(80_000, "XOF", "cash", desk=desk, key="paid", by=SYSTEM, bills=[bill.pk])
    said = {
        "kind": "6611",
        "source": "521",
        "amount": "15 000",
        "day": timezone.localdate(),
        "words": "Primes",
        "client_id": str(uuid.uuid4()),
    }
    for wrong in (
        {"amount": "0"},
        {"source": "6611"},
        {"kind": "6511"},
        {"day": timezone.localdate() + timedelta(days=2)},
        {"words": " "},
    ):
        assert manager.post(page, {**said, **wrong}).status_code == 422, wrong
    for _twice in range(2):
        assert manager.post(page, said).status_code == 302
    assert (book.balance("6611"), book.balance("521")) == (15_000, -15_000)
    # Owed first, paid later; and cash that a desk paid out counts as well.
    owed = {**said, "kind": "6055", "source": "401", "amount": "4000", "client_id": str(uuid.uuid4())}
    paid = {**said, "kind": "401", "amount": "4000", "client_id": str(uuid.uuid4())}
    for one in (owed, paid):
        assert manager.post(page, one).status_code == 302
    out = book.Account.objects.get(code="6281")
    cashbook.outlay(desk, out, 1000, "XOF", key="credit", by=SYSTEM, words="Crédit SMS")
    assert book.balance("401") == 0
    words = manager.get(page).content.decode()
    assert "20,000" in words and "<dd>25.0</dd>" in words and "Primes" in words
    entry = book.Entry.objects.get(kind="cost", lines__account__code="6055")
    assert (
        manager.post(page, {"do": "back", "entry": entry.pk, "reason": ""}).status_code == 302
        and book.balance("6055") == 4000
    )
    for _twice in range(2):
        manager.post(page, {"do": "back", "entry": entry.pk, "reason": "the wrong printer"})
    assert book.balance("6055") == 0 and "Taken back by" in manager.get(page).content.decode()
    assert agent.post(page, said).status_code == 403
