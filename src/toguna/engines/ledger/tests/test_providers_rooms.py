"""Statements, secrets, money that nobody asked for, money given back, work that a power cut interrupts."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import billing, book, paying, settling, starter
from toguna.engines.ledger.models import Bill, Payment, Wish
from toguna.engines.ledger.models.providers import PaymentRequest, RawBody, SettlementFile, SettlementLine
from toguna.engines.ledger.providers import asking, booking, following, forgetting, http, reading, reconciling, ways
from toguna.engines.ledger.providers.port import BadFile, units, written
from toguna.engines.ledger.receipts.reads import way_title
from toguna.engines.ledger.tests import providers_world as world
from toguna.engines.people import api as people
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.limits import TooMany
from toguna.kernel.testing import run_jobs
from toguna.simulate.money import Call, MoneyCompany
from toguna.simulate.mpesa import Mpesa
from toguna.simulate.mtn import Mtn
from toguna.simulate.payments import EVERY, GIVEN
from toguna.simulate.wave import Wave

State, Outcome = PaymentRequest.State, SettlementLine.Outcome
BANK = {"holder": "Mairie", "account": "ML13 0001"}


@pytest.fixture
def set_up(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The tables of town.toml."""
    found: dict[str, dict[str, Any]] = {"bank": dict(BANK)}
    monkeypatch.setattr(ways, "tables", lambda: found)
    http.forget_tokens()
    return found


@pytest.fixture
def mtn(set_up: dict[str, dict[str, Any]]) -> Iterator[Mtn]:
    with Mtn() as company:
        set_up["mtn"] = {**GIVEN["mtn"], "url": company.url}
        yield company


@pytest.fixture
def mpesa(set_up: dict[str, dict[str, Any]]) -> Iterator[Mpesa]:
    with Mpesa() as company:
        set_up["mpesa"] = {**GIVEN["mpesa"], "url": company.url, "currency": "XOF"}
        company.send = told  # type: ignore[method-assign]
        yield company


def told(call: Call) -> int:
    return Client().post(urlsplit(call.url).path, call.body, "application/json").status_code


def ask(way: str, amount: int = 5000, phone: str = "+22370000001") -> PaymentRequest:
    row = asking.ask(way, amount, bills=[world.bill(amount)], phone=phone, by=NOBODY)
    asking.send(row.pk)
    row.refresh_from_db()
    return row


def bring(way: str, text: str) -> SettlementFile:
    return reconciling.bring(ways.find(way), "day.csv", text.encode(), by=SYSTEM)


def outcomes(file: SettlementFile) -> list[str]:
    return [line.outcome for line in file.lines.all()]


# ------------------------------------------------------------------ amounts and files


@given(st.integers(1, 10**12), st.sampled_from(["XOF", "GHS", "TND"]))
def test_an_amount_written_is_read_back(amount: int, currency: str) -> None:
    assert units(written(amount, currency), currency) == amount


@given(st.one_of(st.text(max_size=12), st.floats(), st.none(), st.booleans(), st.integers()))
def test_no_amount_is_guessed(said: Any) -> None:
    found = units(said, "XOF")
    assert found is None or (not isinstance(said, bool) and found == int(float(str(said).replace(",", ""))))
    assert units("10.5", "XOF") is None and units("NaN", "XOF") is None


@pytest.mark.django_db
def test_a_bank_s_file_as_banks_write_it(set_up: dict[str, Any]) -> None:
    row = ask("bank")
    text = (
        "Date opération;Référence opération;Libellé;Débit;Crédit;Devise\r\n"
        f"23/11/2026;VIR1;VIR RECU AWA {row.code[:4].lower()} {row.code[4:]} TAXE;;5 000,00;XOF\r\n"
        "23/11/2026;VIR2;INCONNU;;750;XOF\r\n"
        "23/11/2026;FRAIS;TENUE DE COMPTE;1 500;;XOF\r\n"
    )
    file = bring("bank", text)
    assert outcomes(file) == [Outcome.TAKEN, Outcome.SUSPENSE, Outcome.STRANGE]
    row.refresh_from_db()
    assert (row.state, row.transaction) == (State.SUCCEEDED, "VIR1") and world.due(row.bills[0]) == 0
    assert world.money_of("bank") == {"XOF": 5750}
    assert bring("bank", text).pk == file.pk
    report = reconciling.report(file)
    assert report.differences == {} and [line.transaction for line in report.differing] == ["FRAIS"]
    assert not report.zero, "what went out without us is said"


@pytest.mark.django_db
def test_a_second_transfer_by_the_same_code_is_another_payment(set_up: dict[str, Any]) -> None:
    row = ask("bank")
    text = f"date,transaction,reference,amount,currency\n2026-11-23,A,{row.code},5000,XOF\n2026-11-23,B,{row.code},5000,XOF\n"
    assert outcomes(bring("bank", text)) == [Outcome.TAKEN, Outcome.SUSPENSE]
    assert world.money_of("bank") == {"XOF": 10_000}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name,City\na,b\n", "transaction"),
        ("transaction,amount\nA,abc\n", "Line 2"),
        ("transaction,amount\n,5\n", "Line 2"),
    ],
)
def test_a_file_that_is_none_changes_nothing(set_up: dict[str, Any], text: str, said: str) -> None:
    with pytest.raises(BadFile, match=said):
        bring("bank", text)
    assert not SettlementFile.objects.exists() and not PaymentRequest.objects.exists()


@pytest.mark.django_db
def test_only_who_may_brings_a_file(set_up: dict[str, Any]) -> None:
    with pytest.raises(Denied):
        reconciling.bring(ways.find("bank"), "x", b"transaction,amount\n", by=NOBODY)


@pytest.mark.django_db
def test_what_their_file_has_not_is_said(mtn: Mtn) -> None:
    rows = [ask("mtn") for _number in range(3)]
    for payment in mtn.payments.values():
        mtn.pay(payment)
    now = timezone.now()
    for number, row in enumerate(rows):
        following.follow(row.pk)
        PaymentRequest.objects.filter(pk=row.pk).update(paid_at=now + timedelta(hours=number))
    lines = mtn.export().splitlines()
    stamp = [(now + timedelta(hours=number)).isoformat() for number in range(3)]
    dated = [lines[0]] + [line.replace("2026-11-23 10:00:00", stamp[n]) for n, line in enumerate(lines[1:])]
    report = reconciling.report(bring("mtn", "\n".join([dated[0], dated[1], dated[3]])))
    assert [row.code for row in report.missing] == [rows[1].code] and report.differences == {"XOF": -5000}
    assert reconciling.report(bring("mtn", "\n".join(dated))).zero


def test_codes_as_people_and_banks_write_them() -> None:
    for typed in ("K7M2PQRS", "k7m2-pqrs", "TAXE K7M2 PQRS", "vir/K7M2PQRS/awa", "K7M2PQRS-2"):
        assert "K7M2PQRS" in reading.words(typed), typed


# ------------------------------------------------------------------ the set-up


def test_secrets_come_from_files_and_variables(
    set_up: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("from a file\n")
    monkeypatch.setenv("MTN_SUBSCRIPTION", "from a variable")
    set_up["mtn"] = {"api_user": "u", "api_key": f"file:{tmp_path}/key", "subscription_key": "env:MTN_SUBSCRIPTION"}
    given = ways.find("mtn").given
    assert (given["api_key"], given["subscription_key"]) == ("from a file", "from a variable")
    set_up["second"] = {**set_up["mtn"], "provider": "mtn", "title": "MTN, marché"}
    assert ways.find("second").title == "MTN, marché" and ways.find("second").provider.name == "mtn"
    set_up["mtn"]["api_key"] = f"file:{tmp_path}/none"
    set_up["wave"] = {"api_key": "k"}
    set_up["nobody"] = {}
    said = " ".join(ways.troubles())
    assert "api_key" in said and "webhook_secret" in said and "[payments.nobody]" in said
    assert [way.slug for way in ways.usable()] == ["bank", "second"]


def test_an_address_of_callbacks_cannot_be_guessed() -> None:
    key = ways.key("mtn", "K7M2PQRS")
    assert ways.read_key("mtn", key) == "K7M2PQRS"
    assert ways.read_key("wave", key) is None and ways.read_key("mtn", "K7M2PQRS." + "0" * 24) is None
    assert ways.read_key("mtn", "") is None


@pytest.mark.django_db
def test_a_callback_is_bounded_and_a_ping_is_answered(mtn: Mtn) -> None:
    client, where = Client(), f"/pay/callback/mtn/{ways.key('mtn')}"
    assert client.get(where).content == b"ok"
    assert client.get(f"/pay/callback/mtn/all.{'0' * 24}").status_code == 404
    assert client.post(where, b"x" * 70_000, "application/json").status_code == 404
    assert client.post(where, b"not json", "application/json").status_code == 200
    assert RawBody.objects.get().body == "not json" and RawBody.objects.get().genuine is None
    assert client.delete(where).status_code == 405


@pytest.mark.django_db
def test_a_callback_that_lies_at_the_right_address_changes_nothing(mtn: Mtn) -> None:
    row = ask("mtn")
    told = b'{"externalId": "%s", "status": "SUCCESSFUL", "amount": "5000"}' % row.code.encode()
    assert Client().put(f"/pay/callback/mtn/{ways.key('mtn', row.code)}", told, "application/json").status_code == 200
    assert following.follow(row.pk).state == State.PENDING and world.money_of("mtn") == {}


# ------------------------------------------------------------------ by itself, and back


@pytest.mark.django_db
def test_paid_at_the_pay_bill_number(mpesa: Mpesa) -> None:
    """It is written down when told, and is in the book when the statement has it, on the bill that was named."""
    bill = world.bill(5000)
    where = ways.address("mpesa")
    payment = mpesa.pay_bill(where, world.reference(bill), "5000")
    mpesa.confirm(payment)
    row = PaymentRequest.objects.get()
    assert row.arrived and row.state == State.PENDING and world.money_of("mpesa") == {}
    following.pump()
    report = reconciling.report(bring("mpesa", mpesa.export()))
    assert report.zero and world.due(bill) == 0 and world.money_of("mpesa") == {"XOF": 5000}
    mpesa.confirm(payment)
    assert PaymentRequest.objects.count() == 1


@pytest.mark.django_db
def test_a_push_confirmed_at_the_pay_bill_address_is_one_payment(mpesa: Mpesa) -> None:
    row = ask("mpesa")
    payment = next(iter(mpesa.payments.values()))
    mpesa.pay(payment)
    where = ways.address("mpesa")
    payment.callback = where
    mpesa.confirm(payment)
    following.follow(row.pk)
    mpesa.confirm(payment)
    assert PaymentRequest.objects.count() == 1
    bring("mpesa", mpesa.export())
    assert PaymentRequest.objects.count() == 1 and world.money_of("mpesa") == {"XOF": 5000}


@pytest.fixture(params=EVERY, ids=[company.name for company in EVERY])
def company(request: pytest.FixtureRequest, set_up: dict[str, dict[str, Any]], db: None) -> Iterator[MoneyCompany]:
    kind: type[MoneyCompany] = request.param
    with kind() as found:
        set_up[kind.name] = {**GIVEN[kind.name], "url": found.url, "currency": "XOF"}
        yield found


def paid_by(company: MoneyCompany) -> PaymentRequest:
    """5 000 that nobody owes any more: its payer's, paid ahead."""
    row = ask(company.name)
    (payment,) = company.payments.values()
    payment.callback = ""
    company.pay(payment)
    row = following.follow(row.pk)
    if row.state == State.PENDING:  # M-Pesa says who paid by its callback, else by its statement
        bring(company.name, company.export())
        row.refresh_from_db()
    assert row.state == State.SUCCEEDED and row.payment is not None
    billing.cancel(row.bills[0], reason="x", by=SYSTEM)
    return row


def refund_of(row: PaymentRequest, amount: int, asks: Client) -> Any:
    told = {
        "amount": str(amount),
        "where": f"payment:{row.payment_id}",
        "reason": "moved",
        "client_id": str(uuid.uuid4()),
    }
    assert row.payment is not None
    return asks.post(f"/desk/ledger/book/payers/{row.payment.payer_id}", told)


def test_given_back_once(company: MoneyCompany, hire: Any) -> None:
    """By the two that can, asked by one and approved by another; of the others the desk is told that they cannot."""
    row, one, other = paid_by(company), hire("manager"), hire("manager")
    assert row.payment is not None and row.payment.payer_id is not None
    payer, clearing = row.payment.payer_id, row.payment.desk.account.code
    if company.name not in ("mtn", "wave"):
        assert f'"payment:{row.payment_id}"' not in one.get(f"/desk/ledger/book/payers/{payer}").content.decode()
        with pytest.raises(ledger.Refused, match="pay it out at a desk or by the bank"):
            settling.ask_refund(payer, 5000, None, currency="XOF", reason="x", key="r", by=SYSTEM, payment=row.payment)
        with pytest.raises(asking.Unaskable, match="pay it out at a desk or by the bank"):
            asking.give_back(row, 5000, by=SYSTEM)
        assert refund_of(row, 5000, one).status_code == 422
        assert not Wish.objects.exists() and ledger.advance_of(payer) == 5000 and PaymentRequest.objects.count() == 1
        return
    assert refund_of(row, 5000, one).status_code == 302
    wish = Wish.objects.get()
    assert other.post(f"/desk/ledger/book/wishes/{wish.pk}", {"do": "yes"}).status_code == 302
    back = PaymentRequest.objects.get(back_of=row)
    assert book.balance(clearing) == ledger.advance_of(payer) == 0
    with pytest.raises(asking.Unaskable):
        asking.give_back(row, 1, by=SYSTEM)
    for _again in range(2):
        asking.send(back.pk)
        following.follow(back.pk)
    run_jobs()
    back.refresh_from_db()
    wish.refresh_from_db()
    (payment,) = company.payments.values()
    assert back.state == State.SUCCEEDED and payment.refunded and wish.state == Wish.State.DONE
    assert book.balance(clearing) == ledger.advance_of(payer) == 0 and world.balanced()


@pytest.fixture
def wave(set_up: dict[str, dict[str, Any]]) -> Iterator[Wave]:
    with Wave() as found:
        set_up["wave"] = {**GIVEN["wave"], "url": found.url}
        yield found


@pytest.mark.django_db
def test_wave_gives_back_a_payment_whole_and_says_so_before_anybody_approves(wave: Wave, hire: Any) -> None:
    row, one = paid_by(wave), hire("manager")
    page = refund_of(row, 2000, one)
    assert page.status_code == 422 and "whole" in page.content.decode()
    assert not Wish.objects.exists()


@pytest.mark.django_db
def test_a_refund_whose_answers_are_all_lost_is_not_said_to_have_failed(wave: Wave) -> None:
    """Wave did it, and nobody heard: the money counts as gone until somebody looks."""
    row = paid_by(wave)
    back, now = asking.give_back(row, 5000, by=SYSTEM), timezone.now()
    for _time in range(8):
        wave.next_faults = ["lost"]
        back = following.follow(back.pk, now)
        now = back.next_poll or now
    (payment,) = wave.payments.values()
    assert payment.refunded and back.state == State.SENDING and back.attempt == asking.ATTEMPTS
    assert following.follow(back.pk, back.expires + timedelta(days=4)).state == State.UNKNOWN


# ------------------------------------------------------------------ what interrupts


@pytest.mark.django_db
def test_what_a_dead_process_left_is_asked_for_and_not_charged_again(mtn: Mtn) -> None:
    row = asking.ask("mtn", 5000, bills=[world.bill(5000)], phone="+22370000001", by=NOBODY)
    now = timezone.now()
    # It has claimed the row, MTN has taken the request, and then the power went.
    PaymentRequest.objects.filter(pk=row.pk).update(
        state=State.SENDING, busy_until=now + asking.BUSY, next_poll=now + asking.BUSY
    )
    way = ways.find("mtn")
    way.provider.begin(asking.asked(row, way), way.given)
    mtn.pay(next(iter(mtn.payments.values())))
    assert asking.due(now) == [] and following.follow(row.pk, now).state == State.SENDING
    later = now + asking.BUSY + timedelta(seconds=1)
    assert asking.due(later) == [row.pk] and asking.due(later) == [], "claimed by one"
    assert following.follow(row.pk, later).state == State.SUCCEEDED
    assert len(mtn.payments) == 1 and world.money_of("mtn") == {"XOF": 5000}


@pytest.mark.django_db
def test_nobody_there_is_tried_again_then_said(set_up: dict[str, Any]) -> None:
    set_up["mtn"] = {**GIVEN["mtn"], "url": "http://127.0.0.1:9"}
    row = ask("mtn")
    assert row.state == State.NEW and "does not answer" in row.trouble
    while row.next_poll is not None:
        row = following.follow(row.pk, row.next_poll)
    assert row.state == State.FAILED and row.polls == 2
    assert Client().get(f"/pay/request/{row.code}").status_code == 200


@pytest.mark.django_db
def test_one_click_asks_once_and_a_phone_is_not_made_to_ring_all_day(mtn: Mtn) -> None:
    same = uuid.uuid4()
    rows = [asking.ask("mtn", 500, phone="+22370000001", by=NOBODY, client_id=same) for _click in range(9)]
    assert len({row.pk for row in rows}) == 1
    assert asking.ask("mtn", 500, phone="+22370000001", by=NOBODY).pk == rows[0].pk, "it rings for that already"
    with pytest.raises(TooMany):
        for amount in range(501, 510):
            asking.ask("mtn", amount, phone="+22370000001", by=NOBODY)
    with pytest.raises(asking.Unaskable):
        asking.ask("mtn", 0, phone="+22370000002", by=NOBODY)
    with pytest.raises(asking.Unaskable):
        asking.ask("mtn", 500, by=NOBODY)


@pytest.mark.django_db
def test_what_is_known_of_a_payer_is_given_and_forgotten(mtn: Mtn) -> None:
    person = people.Person.objects.create(name="Awa")
    row = ask("mtn")
    PaymentRequest.objects.filter(pk=row.pk).update(person=person)
    assert forgetting.known(person.pk)[0]["phone"] == "+22370000001"
    assert "22370000001" in "".join(RawBody.objects.values_list("body", flat=True))
    forgetting.erase(person.pk)
    assert forgetting.known(person.pk) == []
    assert "22370000001" not in "".join(RawBody.objects.values_list("body", flat=True))


def test_a_way_to_pay_is_called_by_its_name_everywhere(set_up, hire):
    """As town.toml calls it, else as its company does; never by its slug."""
    set_up["orange-money"] = {**GIVEN["orange-money"], "url": "http://127.0.0.1:9"}
    set_up["wave-2"] = {**GIVEN["wave"], "provider": "wave", "title": "Wave of the market", "url": "http://127.0.0.1:9"}
    assert [way_title(one) for one in ("orange-money", "wave-2", "mtn", "cash", "barter")] == [
        "Orange Money", "Wave of the market", "MTN MoMo", "Cash", "barter"
    ]  # fmt: skip
    bill, client = world.bill(9000), hire("manager")
    paying.take(4000, "XOF", "orange-money", desk=booking.desk("orange-money", "XOF"), key="o", by=SYSTEM, bills=[bill])
    owner = Bill.objects.get(pk=bill).payer_id
    payment = Payment.objects.get()
    for page in (f"/desk/ledger/book/payers/{owner}", f"/desk/receipts/{payment.pk}"):
        words = client.get(page).content.decode()
        assert "Orange Money" in words and ">orange-money<" not in words, page


def test_a_way_that_takes_other_money_is_offered_nowhere(db, set_up):
    """M-Pesa, set up in a town of francs, takes shillings: not on papers, not at /pay/, not by SMS."""
    set_up["mpesa"] = {**GIVEN["mpesa"], "url": "http://127.0.0.1:9"}
    set_up["orange-money"] = {**GIVEN["orange-money"], "url": "http://127.0.0.1:9"}
    assert [one.slug for one in ways.usable()] == ["bank", "mpesa", "orange-money"]
    assert [one.slug for one in ways.usable("XOF")] == ["bank", "orange-money"] and "M-Pesa" not in ways.titles()
    bill = world.reference(world.bill(900))
    assert b"M-Pesa" not in Client().get(f"/pay/{bill}").content
    row = channels.receive("sms", "+22370000001", f"AUTOPAY {bill}", reference="w1")
    row.refresh_from_db()
    assert row.answer is not None and "which day" in row.answer.text, "only one way is left: it is not asked for"


def test_m_pesa_asks_for_whole_shillings_before_the_telephone_rings(db, set_up):
    set_up["mpesa"] = {**GIVEN["mpesa"], "url": "http://127.0.0.1:9"}
    starter.load()
    owed = ledger.issue(
        ledger.payer("Wanjiru"), [ledger.Due("principal", "Stall", 125_050, "7336")], key="kes", due=timezone.localdate(), by=SYSTEM,
        currency="KES",
    )  # fmt: skip
    page = Client(headers={"accept-language": "en"}).post(
        f"/pay/{owed.reference}",
        {"way": "mpesa", "phone": "+254712345678", "amount": "1250.50", "client_id": str(uuid.uuid4())},
    )
    words = page.content.decode()
    assert (
        page.status_code == 422 and "1,250.00" in words and "1,251.00" in words and not PaymentRequest.objects.exists()
    )
    assert "bank transfer" not in words, "no bank takes shillings here"


def test_why_money_waits_is_said_in_the_language_of_the_town(mtn, hire):
    """By a worker that speaks English, for a desk that reads French; given back, the reason goes with it."""
    with translation.override("en"):
        row = ask("mtn")
        (payment,) = mtn.payments.values()
        payment.fault = "wrong-amount"
        mtn.pay(payment)
        following.follow(row.pk)
        row.refresh_from_db()
    assert row.state == State.SUSPENDED and row.suspense is not None
    assert row.suspense.reason == row.trouble == "4\u202f999\u00a0FCFA reçus, 5\u202f000\u00a0FCFA demandés", ascii(
        row.trouble
    )
    client = hire("manager")
    assert 'value="operator"' in client.get(f"/desk/ledger/suspense/{row.suspense.pk}").content.decode()
    told = {"do": "back", "name": "Moussa", "where": "operator", "note": "il a montré le SMS"}
    page = client.post(f"/desk/ledger/suspense/{row.suspense.pk}", told, follow=True)
    assert page.status_code == 200 and "reçus" not in page.content.decode(), "it waits there no more"
    wish = Wish.objects.get()
    assert "MTN MoMo" in client.get(f"/desk/ledger/book/wishes/{wish.pk}").content.decode()
