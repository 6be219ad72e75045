"""A day at a cash desk, through the pages: open, take, print, pay out, hand over, close, bring to the bank, and the bank's statement."""

from __future__ import annotations

import base64
import html
import re
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.engines.ledger.bank import actions as bank_actions
from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models import Bill, Desk, Payment
from toguna.engines.ledger.models.bank import Bank, BankLine, BankStatement
from toguna.engines.ledger.models.desks import Session, Voucher
from toguna.engines.ledger.providers import booking, ways
from toguna.engines.ledger.receipts import reads as receipts
from toguna.kernel.access import SYSTEM, Actor, Grant
from toguna.simulate.payments import GIVEN

pytestmark = pytest.mark.usefixtures("chart")


def _bill(amount: int = 5000, name: str = "Awa Koné") -> Bill:
    due = timezone.localdate() + timedelta(days=30)
    payer = ledger.payer(name)
    lines = [ledger.Due("principal", "Stall 12, November", amount, "7336")]
    return ledger.issue(payer, lines, key=uuid.uuid4().hex, due=due, by=SYSTEM, words="Stall 12")


def _counted(**pieces: int) -> dict[str, str]:
    return {f"piece_{name[1:]}": str(n) for name, n in pieces.items()} | {"client_id": str(uuid.uuid4())}


def _open(client: Client, desk: Desk, **pieces: int) -> Session:
    assert client.post(f"/desk/cash/open/{desk.pk}", _counted(**pieces)).status_code == 302
    return Session.objects.get(desk=desk, state="open")


def _take(client: Client, bill: Bill, amount: str, **more: str) -> Payment:
    answer = client.post(
        f"/desk/cash/bills/{bill.reference}", {"amount": amount, "client_id": str(uuid.uuid4()), **more}
    )
    assert answer.status_code == 302, answer.content.decode()
    return Payment.objects.get(pk=re.search(r"receipts/(\d+)", answer["location"])[1])


@pytest.fixture
def desk(db) -> Desk:
    return cashbook.new_desk("Guichet 1", by=SYSTEM)


def test_a_day_from_the_float_to_the_bank(hire, desk):
    agent, manager = hire("agent"), hire("manager")
    bill = _bill()
    session = _open(agent, desk, p5000=2)
    assert cashbook.held(desk) == 10_000 and cashbook.in_safe() == -10_000

    page = agent.get("/desk/cash/", {"q": bill.reference})
    assert page.status_code == 302 and bill.reference in page["location"]
    assert bill.reference[:5] in agent.get("/desk/cash/", {"q": "koné"}).content.decode()
    paid = _take(agent, bill, "5 000", given="10000")
    assert receipts.number(paid) == f"G1-{timezone.localdate().year}-000001"
    assert "Give" in agent.get(f"/desk/receipts/{paid.pk}?change=5000").content.decode()

    first = agent.post(f"/desk/receipts/{paid.pk}/print", {"size": "80"})
    again = agent.post(f"/desk/receipts/{paid.pk}/print", {"size": "80"})
    assert "print=0" in first["location"] and "print=1" in again["location"]
    rolls = []
    for answer, n in ((first, 0), (again, 1)):  # the link to RawBT holds the very bytes of the file beside it
        page = agent.get(answer["location"].partition("#")[0]).content.decode()
        linked = re.search(r'href="rawbt:base64,([^"]+)"', page)
        assert linked is not None
        rolls.append(base64.b64decode(html.unescape(linked[1]), validate=True))
        assert rolls[-1] == agent.get(f"/desk/receipts/{paid.pk}/{n}-80.bin").content
    assert all(receipts.number(paid).encode() in raw and "Awa Koné".encode("cp1252") in raw for raw in rolls)
    assert [b"DUPLICATE no. 1" in raw.replace(b"\n", b" ") for raw in rolls] == [False, True]
    pdf = agent.get(f"/desk/receipts/{paid.pk}/1-a6.pdf")
    assert pdf.content.startswith(b"%PDF") and agent.get(f"/desk/receipts/{paid.pk}/1-80.bin").content[:1] == b"\x1b"
    assert agent.get(f"/desk/receipts/{paid.pk}/2-a6.pdf").status_code == 404

    expense = dict(cashbook.expenses())
    out = {
        "do": "outlay",
        "amount": "1000",
        "expense": next(iter(expense)),
        "words": "Stamps",
        "paid_to": "Issa",
        "client_id": uuid.uuid4(),
    }
    assert agent.post("/desk/cash/out", out).status_code == 302 == agent.post("/desk/cash/out", out).status_code
    assert Voucher.objects.count() == 1 and cashbook.held(desk) == 14_000
    assert agent.get(f"/desk/cash/vouchers/{Voucher.objects.get().pk}.pdf").content.startswith(b"%PDF")

    short = agent.post("/desk/cash/close", _counted(p10000=1, p1000=3))
    assert short.status_code == 422 and "lacks" in short.content.decode()
    assert (
        agent.post("/desk/cash/close", _counted(p10000=1, p1000=3) | {"reason": "A note was lost"}).status_code == 302
    )
    session.refresh_from_db()
    assert (session.expected, session.counted, session.variance) == (14_000, 13_000, -1000)
    assert cashbook.held(desk) == 0 and book.balance(cashbook.VARIANCE) == 1000 and cashbook.in_safe() == 3000
    assert agent.get("/desk/cash/board").status_code == 403
    assert "Guichet 1" in manager.get("/desk/cash/board").content.decode()

    assert manager.post("/desk/cash/deposit", {"amount": "99999", "client_id": uuid.uuid4()}).status_code == 422
    assert (
        manager.post("/desk/cash/deposit", {"amount": "3000", "words": "Issa", "client_id": uuid.uuid4()}).status_code
        == 302
    )
    slip = Voucher.objects.get(kind=Voucher.Kind.DEPOSIT)
    other = _bill(2000, "Moussa Ba")
    made = manager.post(
        "/desk/bank/new",
        {
            "name": "BDM",
            "number": "ML016 0120 1234",
            "m_day": "Date",
            "m_words": "Libelle",
            "m_amount": "Montant",
            "m_balance": "Solde",
        },
    )
    assert made.status_code == 302, made.content.decode()[-3000:]
    bank = Bank.objects.get()
    day = timezone.localdate().strftime("%d/%m/%Y")
    rows = [
        (f"VERSEMENT {slip.reference}", 3000, 3000),
        (f"VIREMENT BA {other.reference[:5]} {other.reference[5:]}", 2000, 5000),  # in two, as our papers print it
        ("VIREMENT INCONNU", 700, 5700),
        ("FRAIS TENUE DE COMPTE", -200, 5500),
    ]
    table = "Date;Libelle;Montant;Solde\n" + "".join(f"{day};{words};{amount};{left}\n" for words, amount, left in rows)
    for _twice in range(2):
        brought = manager.post(f"/desk/bank/{bank.pk}/bring", {"file": _file(table)})
        assert brought.status_code == 302, brought.content.decode()[-2000:]
    assert list(BankLine.objects.order_by("pk").values_list("found", "state")) == [
        ("deposit", "matched"), ("transfer", "matched"), ("", "suspense"), ("fee", "matched"),
    ]  # fmt: skip
    other.refresh_from_db()
    assert Payment.objects.get(payer=other.payer).reference.startswith("VIREMENT BA"), (
        "what the bank says, no key of ours"
    )
    page = manager.get("/desk/ledger/book/journal").content.decode()
    for words in (
        "between desk and safe",
        "paid out of a desk",
        "difference of a count",
        "brought to the bank",
        "line of the bank",
    ):
        assert words in page.split("</form>")[-1], words
    fec = b"".join(manager.get("/desk/ledger/book/export/fec").streaming_content).decode()
    assert "versé à la banque" in fec and "\tbill\t" not in fec and "\tdeposit\t" not in fec
    assert other.state == Bill.State.PAID and cashbook.in_transit() == 0 and book.balance(bank.asset.code) == 5500
    assert "1 lines" in manager.get(f"/desk/bank/statements/{BankStatement.objects.get().pk}").content.decode()
    late, waiting = _bill(700, "Sira Sow"), BankLine.objects.get(state="suspense")
    assert (
        manager.post(f"/desk/bank/lines/{waiting.pk}", {"bill": late.reference, "note": "she called"}).status_code
        == 302
    )
    late.refresh_from_db()
    assert late.state == Bill.State.PAID and book.balance(cashbook.UNKNOWN) == 0
    assert sum(debit - credit for _account, debit, credit in book.trial()) == 0
    assert ledger.gaps(desk, timezone.localdate().year) == []


CAMT = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"
IBAN = "ML13ML0160120102600100668497"


def _camt(*statements: str) -> SimpleUploadedFile:
    whole = (
        f'<?xml version="1.0"?><Document xmlns="{CAMT}"><BkToCstmrStmt>{"".join(statements)}</BkToCstmrStmt></Document>'
    )
    return SimpleUploadedFile("statement.xml", whole.encode(), "application/xml")


def _stmt(identity: str, opening: int, *lines: tuple[str, int, str], account: str = IBAN, currency: str = "XOF") -> str:
    """One statement of a bank that names its lines by their place alone: (their place, what came, its words)."""
    day = timezone.localdate().isoformat()
    text = f"<Stmt><Id>{identity}</Id><CreDtTm>{day}T18:00:00</CreDtTm>"
    text += f"<Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>{currency}</Ccy></Acct>"
    for code, amount in (("OPBD", opening), ("CLBD", opening + sum(line[1] for line in lines))):
        text += (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{currency}">{amount}</Amt>'
            f"<CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
        )
    for place, amount, words in lines:
        text += (
            f'<Ntry><NtryRef>{place}</NtryRef><Amt Ccy="{currency}">{abs(amount)}</Amt>'
            f"<CdtDbtInd>{'CRDT' if amount > 0 else 'DBIT'}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt>"
            f"<NtryDtls><TxDtls><RmtInf><Ustrd>{words}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"
        )
    return f"{text}</Stmt>"


@pytest.fixture
def bank(hire) -> Bank:
    actor = Actor(account=hire("manager").account.pk, staff=True, grants=(Grant("manager", "*"),))
    return bank_actions.add_bank("BDM", "ML13 ML01 6012 0102 6001 0066 8497", "XOF", {}, by=actor)


def test_an_iso_statement_is_brought_once_however_many_days_it_has(hire, bank):
    manager, bill = hire("manager"), _bill(5000)
    where = f"/desk/bank/{bank.pk}/bring"
    short = IBAN[4:]  # as the bank writes its own number, without the country
    days = [
        _stmt("S-1", 0, ("1", 5000, f"Facture {bill.reference}"), ("2", -200, "FRAIS"), account=short),
        _stmt("S-2", 4800, ("1", 5000, "who knows"), ("2", -200, "FRAIS"), account=short),
    ]
    for known in ("", "2 were known already"):
        page = manager.post(where, {"file": _camt(*days)}, follow=True).content.decode()
        assert ("2 new lines" in page) is (not known) and known in page
    assert BankStatement.objects.count() == 2
    assert list(BankLine.objects.order_by("pk").values_list("found", "state", "amount")) == [
        ("transfer", "matched", 5000), ("fee", "matched", -200), ("", "suspense", 5000), ("fee", "matched", -200),
    ]  # fmt: skip
    bill.refresh_from_db()
    assert bill.left == 0 and book.balance(bank.asset.code) == 9600
    changed = _stmt("S-2", 4800, ("1", 6000, "who knows"), ("2", -200, "FRAIS"))
    page = manager.post(where, {"file": _camt(changed)})
    assert page.status_code == 422 and "other balances" in page.content.decode()
    assert book.balance(bank.asset.code) == 9600 and sum(debit - credit for _one, debit, credit in book.trial()) == 0


@pytest.mark.parametrize(
    ("account", "currency", "said"),
    [
        ("ML13ML0160120102600100668498", "XOF", "of the account"),
        ("68497", "XOF", "of the account"),
        ("-", "XOF", "of the account"),
        (IBAN, "EUR", "is in XOF"),
    ],
)
def test_an_iso_statement_of_another_account_or_currency_changes_nothing(hire, bank, account, currency, said):
    good, wrong = (
        _stmt("S-1", 0, ("1", 5000, "x")),
        _stmt("S-2", 0, ("1", 7000, "y"), account=account, currency=currency),
    )
    page = hire("manager").post(f"/desk/bank/{bank.pk}/bring", {"file": _camt(good, wrong)})
    assert page.status_code == 422 and said in page.content.decode()
    assert not BankStatement.objects.exists() and not BankLine.objects.exists() and book.balance(bank.asset.code) == 0


def test_what_an_operator_settles_leaves_its_account_and_a_line_may_be_anything_else(hire, bank, monkeypatch):
    monkeypatch.setattr(
        ways, "tables", lambda: {way: {**GIVEN[way], "url": "http://127.0.0.1:9"} for way in ("orange-money", "wave")}
    )
    manager, bill = hire("manager"), _bill(9000)
    counter = booking.desk("orange-money", "XOF")
    ledger.take(9000, "XOF", "orange-money", desk=counter, bills=[bill.pk], key="paid", by=SYSTEM)
    assert book.balance("552-orange-money") == 9000
    lines = [
        ("1", 8800, "VIR ORANGE MONEY MALI REGLEMENT 30"),
        ("2", 600, "ORANGE MONEY ET WAVE"),  # of two, nobody knows which
        ("3", -150, "ORANGE MONEY"),  # money that goes out settles nothing
        ("4", 400, "SUBVENTION"),
    ]
    assert manager.post(f"/desk/bank/{bank.pk}/bring", {"file": _camt(_stmt("S-1", 0, *lines))}).status_code == 302
    assert list(BankLine.objects.order_by("pk").values_list("found", "state", "note")) == [
        ("settlement", "matched", "orange-money"), ("", "suspense", ""), ("", "suspense", ""), ("", "suspense", ""),
    ]  # fmt: skip
    assert book.balance("552-orange-money") == 200, "what it kept stays to be said"
    assert book.balance("552-wave") == 0 and book.balance(cashbook.UNKNOWN) == -850
    out, gift = BankLine.objects.get(amount=-150), BankLine.objects.get(amount=400)
    for line, code in ((out, "6281"), (gift, "7336")):
        told = {"account": str(book.Account.objects.get(code=code).pk), "note": "the contract says so"}
        for wrong in (
            {"note": ""},
            {"account": str(cashbook.account(cashbook.UNKNOWN).pk)},
            {"account": str(bank.asset_id)},
        ):
            assert manager.post(f"/desk/bank/lines/{line.pk}", {**told, **wrong}).status_code == 422, wrong
        for _twice in range(2):
            assert manager.post(f"/desk/bank/lines/{line.pk}", told).status_code == 302
        line.refresh_from_db()
        assert (line.found, line.state, line.note) == ("other", "resolved", "the contract says so")
    assert (book.balance("6281"), book.balance(cashbook.UNKNOWN)) == (150, -600)
    assert book.balance(bank.asset.code) == 9650 and sum(debit - credit for _one, debit, credit in book.trial()) == 0


def _file(words: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("statement.csv", words.encode(), "text/csv")


def test_a_receipt_is_checked_by_anyone_and_void_in_plain_sight(hire, desk):
    agent, manager, anyone = hire("agent"), hire("manager"), Client(headers={"accept-language": "en"})
    _open(agent, desk)
    bill = _bill()
    paid = _take(agent, bill, "5000")
    number = receipts.number(paid)
    page = anyone.get(f"/receipt/{number}").content.decode()
    assert "A… K…" in page and "Koné" not in page
    assert "is good" in receipts.check_receipt(number.lower())
    assert "no receipt" in receipts.check_receipt("G1-2020-000009")
    signed = receipts.slip(paid).qr
    assert 'role="alert"' not in anyone.get(signed.partition(".test")[2] or signed).content.decode()
    found, genuine = receipts.check_qr(signed.partition("?s=")[2])
    assert genuine and found and found.number == number
    forged = signed.partition("?s=")[2][:-4] + "AAAA"
    assert receipts.check_qr(forged) == (None, False)

    assert agent.post(f"/desk/receipts/{paid.pk}/void", {"reason": "Wrong person"}).status_code == 403
    manager.post(f"/desk/receipts/{paid.pk}/void", {"reason": ""})
    paid.refresh_from_db()
    assert not paid.void
    manager.post(f"/desk/receipts/{paid.pk}/void", {"reason": "Wrong person"})
    bill.refresh_from_db()
    assert bill.state == Bill.State.OPEN and bill.paid == 0 and cashbook.held(desk) == 0
    assert "VOID" in receipts.check_receipt(number)
    assert "Wrong person" in anyone.get(f"/receipt/{number}").content.decode()


def test_the_second_click_and_the_closed_desk(hire, desk):
    agent, other = hire("agent"), hire("agent")
    _open(agent, desk)
    bill = _bill()
    form = {"amount": "2000", "client_id": str(uuid.uuid4())}
    answers = {agent.post(f"/desk/cash/bills/{bill.reference}", form)["location"] for _twice in range(2)}
    assert len(answers) == 1 and Payment.objects.count() == 1
    assert other.get(f"/desk/cash/bills/{bill.reference}").url == "/desk/cash/"  # no desk of their own
    assert "no cash desk open" in other.get("/desk/cash/").content.decode()
    assert other.post(f"/desk/cash/open/{desk.pk}", _counted()).status_code == 422
    assert agent.post("/desk/cash/close", _counted(p1000=2)).status_code == 302
    assert (
        agent.post(f"/desk/cash/bills/{bill.reference}", form | {"client_id": str(uuid.uuid4())}).url == "/desk/cash/"
    )
    assert Payment.objects.count() == 1


def test_a_desk_is_handed_over_with_the_signature_of_both(hire, desk):
    first, second = hire("agent"), hire("agent")
    session = _open(first, desk, p1000=4)
    assert second.post("/desk/cash/pin", {"pin": "111111"}).status_code == 422
    assert second.post("/desk/cash/pin", {"pin": "480261"}).status_code == 302
    offer = _counted(p1000=4) | {"to": str(second.account.pk)}
    assert first.post("/desk/cash/hand-over", offer).status_code == 302
    wrong = first.post(f"/desk/cash/sessions/{session.pk}/sign", {"pin": "000001"})
    assert wrong.status_code == 422 and "PIN" in wrong.content.decode()
    assert first.post(f"/desk/cash/sessions/{session.pk}/sign", {"pin": "480261"}).status_code == 302
    after = Session.objects.get(desk=desk, state="open")
    assert (after.cashier, after.float, cashbook.held(desk)) == (second.account.pk, 4000, 4000)
    bill = _bill()
    assert first.get(f"/desk/cash/bills/{bill.reference}").url == "/desk/cash/"
    assert _take(second, bill, "5000").desk == desk


def test_a_desk_is_taken_over_by_who_logs_in_or_taken_back_and_what_lacks_is_posted_once(hire, desk):
    first, second, third = hire("agent"), hire("agent"), hire("agent")
    session = _open(first, desk, p1000=4)
    where = f"/desk/cash/sessions/{session.pk}"
    offer = _counted(p1000=3) | {"to": str(second.account.pk)}
    short = first.post("/desk/cash/hand-over", offer)
    assert short.status_code == 422 and "lacks" in short.content.decode()
    assert book.balance(cashbook.VARIANCE) == 0, "nothing is posted before somebody says why"
    assert first.post("/desk/cash/hand-over", offer | {"reason": "A note was torn"}).status_code == 302
    assert (book.balance(cashbook.VARIANCE), cashbook.held(desk)) == (1000, 3000)
    bill = _bill()
    assert "take-over" in second.get("/desk/cash/").content.decode()
    assert first.post(
        f"/desk/cash/bills/{bill.reference}", {"amount": "5000", "client_id": str(uuid.uuid4())}
    ).status_code in (302, 422)
    assert not Payment.objects.exists(), "a desk that is counted takes nothing"

    # Somebody else can neither take it over nor back; who offered it takes it back, and goes on.
    page = third.post(f"{where}/take-over", follow=True).content.decode()
    assert "not offered to you" in page and third.post(f"{where}/take-back").status_code == 403
    for _twice in range(2):
        assert first.post(f"{where}/take-back").status_code == 302
    session.refresh_from_db()
    assert (session.state, session.offered_to, session.counted) == ("open", None, None)
    assert "not offered to you" in second.post(f"{where}/take-over", follow=True).content.decode()
    _take(first, bill, "5000")

    # Offered once more, with another difference: both are posted, each once, and the second signs in their own session.
    again = _counted(p5000=1, p1000=2) | {"to": str(second.account.pk), "reason": "Another was"}
    for _twice in range(2):
        first.post("/desk/cash/hand-over", again)
    assert (book.balance(cashbook.VARIANCE), cashbook.held(desk)) == (2000, 7000)
    assert second.get(f"{where}/take-over").status_code == 405
    for _twice in range(2):
        assert "is yours now" in second.post(f"{where}/take-over", follow=True).content.decode()
    after = Session.objects.get(desk=desk, state="open")
    session.refresh_from_db()
    assert (after.cashier, after.float, after.signed) == (second.account.pk, 7000, "login")
    assert (session.state, session.after, session.variance, session.signed) == ("closed", after, -1000, "login")
    assert Session.objects.count() == 2 and cashbook.held(desk) == 7000
    assert first.post("/desk/cash/close", _counted(p1000=7)).status_code in (302, 404)
    assert Session.objects.get(desk=desk, state="open") == after, "who handed it over has it no more"
    assert second.post("/desk/cash/close", _counted(p5000=1, p1000=2)).status_code == 302
    assert cashbook.held(desk) == 0 and sum(debit - credit for _one, debit, credit in book.trial()) == 0


def test_cash_that_came_after_the_count_keeps_a_desk_from_being_taken_over(hire, desk):
    first, second = hire("agent"), hire("agent")
    session = _open(first, desk, p1000=1)
    assert first.post("/desk/cash/hand-over", _counted(p1000=1) | {"to": str(second.account.pk)}).status_code == 302
    bill = _bill()
    ledger.take(
        5000, "XOF", "cash", desk=desk, bills=[bill.pk], key="offline", by=SYSTEM
    )  # of a telephone without network
    where = f"/desk/cash/sessions/{session.pk}"
    assert "count once more" in second.post(f"{where}/take-over", follow=True).content.decode()
    assert not Session.objects.filter(cashier=second.account.pk).exists()
    assert first.post(f"{where}/take-back").status_code == 302
    counted = _counted(p5000=1, p1000=1) | {"to": str(second.account.pk)}
    assert first.post("/desk/cash/hand-over", counted).status_code == 302
    assert "is yours now" in second.post(f"{where}/take-over", follow=True).content.decode()
    assert book.balance(cashbook.VARIANCE) == 0 and Session.objects.get(state="open").float == 6000


@pytest.mark.django_db(transaction=True)
def test_two_open_one_desk_at_once(hire):
    desk = cashbook.new_desk("Guichet 9", by=SYSTEM)
    people = [hire("agent") for _one in range(3)]

    def opened(client: Client) -> int:
        try:
            return client.post(f"/desk/cash/open/{desk.pk}", _counted(p1000=1)).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(opened, people)) == [302, 422, 422]
    assert Session.objects.filter(state="open").count() == 1 and cashbook.held(desk) == 1000
