"""Reminders by plan: each once, none to who contests or keeps a plan, with their penalties, their cost and what they brought."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pypdfium2 as pdfium
import pytest
from django.contrib.gis.geos import Point
from django.utils import timezone

from toguna.engines.channels import sms
from toguna.engines.channels.models import Message
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger import book
from toguna.kernel.access import SYSTEM
from toguna.kernel.testing import run_jobs
from toguna.services.revenue.campaigns import notices
from toguna.services.revenue.dunning import reads, running
from toguna.services.revenue.models import (
    Collector,
    DunningStep,
    LetterBatch,
    Objection,
    Part,
    Reminded,
    Taxed,
    Taxpayer,
    Visit,
)


def step(after, way="sms", **more):
    return DunningStep.objects.create(after=after, way=way, **more)


@pytest.fixture
def owing(stall, bill):
    """owing("Awa", days=10) -> (thing, bill) late by that many days."""

    def made(name="Awa Traoré", *, days=10, phone="+22370000001", amount=5000, thing=None):
        thing = thing or stall(name, phone=phone)
        owner = Part.objects.get(taxed=thing).taxpayer
        return thing, bill(owner, amount, thing=thing, due=timezone.localdate() - timedelta(days=days))

    return made


def sent():
    return list(Message.objects.filter(key__startswith="revenue.dunning").order_by("pk"))


def test_each_step_is_said_once_in_its_order_however_late_the_bill_is(owing):
    first, second, third = step(3), step(8, penalty=10, law="Code, art. 12"), step(60, "notice", law="Code, art. 40")
    _thing, late = owing(days=400)
    _thing, soon = owing("Moussa Diarra", days=4, phone="+22370000002")
    assert running.remind() == 2
    assert {(one.step_id, one.bill_id, one.left) for one in Reminded.objects.all()} == {
        (first.pk, late.pk, 5000),
        (first.pk, soon.pk, 5000),
    }
    assert running.remind() == 0 and len(sent()) == 2
    Reminded.objects.filter(bill=late).update(at=timezone.now() - timedelta(days=4))
    assert running.remind() == 0, "five days between the two"
    Reminded.objects.filter(bill=late).update(at=timezone.now() - timedelta(days=5))
    assert running.remind() == 1 and Reminded.objects.get(bill=late, step=second)
    assert running.remind() == 0 and not Reminded.objects.filter(step=third).exists()
    late.refresh_from_db()
    assert late.amount == 5500 and [(one.kind, one.amount) for one in late.lines.all()][-1] == ("penalty", 500)
    assert "art. 12" in late.lines.last().words and book.balance("7711") == -500
    text = [one.text for one in sent() if one.address == "+22370000001"][-1]
    assert "5 500" in text.replace(",", " ") and late.reference in text and sms.size(text).parts <= 2
    assert running.remind(timezone.localdate() + timedelta(days=5)) == 1, "the other's second step, in its time"
    ledger.cancel(late.pk, reason="wrong", by=SYSTEM)
    assert ledger.owed_by(late.payer_id) == 0, "the penalty goes with its bill"


def test_a_power_cut_before_the_messages_leaves_nothing_half_said(owing, monkeypatch):
    step(3, penalty=10, law="art. 12")
    for n in range(3):
        owing(f"Owner {n}", phone=f"+2237000001{n}")

    def cut(*_args, **_more):
        raise KeyboardInterrupt

    with monkeypatch.context() as power:
        power.setattr(running.channels, "send_many", cut)
        with pytest.raises(KeyboardInterrupt):
            running.remind()
    assert not Reminded.objects.exists() and not sent() and book.balance("7711") == 0
    assert running.remind() == 3 and len(sent()) == 3 and book.balance("7711") == -1500


def test_before_it_is_due_and_never_after(owing):
    step(-7)
    owing(days=-5)
    owing("Moussa Diarra", days=2, phone="+22370000002")
    owing("Fanta Keïta", days=-20, phone="+22370000003")
    assert running.remind() == 1 and [one.address for one in sent()] == ["+22370000001"]


def test_who_contests_or_keeps_a_plan_is_left_alone(owing):
    step(3)
    thing, contested = owing()
    owner = Part.objects.get(taxed=thing).taxpayer
    objection = Objection.objects.create(
        code="OBJ1", taxpayer=owner, bill=contested, reason="No", client_id=uuid.uuid4()
    )
    _thing, planned = owing("Moussa Diarra", phone="+22370000002")
    today = timezone.localdate()
    ledger.plan(planned.pk, [today + timedelta(days=n) for n in (10, 40)], by=SYSTEM)
    assert running.remind() == 0
    objection.state = "refused"
    objection.save()
    assert running.remind() == 1
    assert running.remind(today + timedelta(days=12)) == 0, "the first part is late, by less than three days"
    assert running.remind(today + timedelta(days=14)) == 1
    assert Reminded.objects.get(bill=planned).left == 2500, "what is late, not the whole"


def test_one_sms_for_several_bills_and_none_without_a_telephone(owing, stall):
    step(3)
    thing, _one = owing()
    owing(thing=thing, amount=2000)
    _thing, silent = owing("Sans Téléphone", phone="")
    assert running.remind() == 3
    assert len(sent()) == 1 and "7 000" in sent()[0].text.replace(",", " ")
    left_out = Reminded.objects.get(bill=silent)
    assert left_out.done is None and left_out.note


def test_by_email_where_the_plan_says_so_in_the_language_of_whoever_reads(owing):
    """One message for each taxpayer, of all their bills; who left no e-mail address is not said to have been reminded."""
    step(3, "email", penalty=10, law="Code, art. 12")
    thing, late = owing()
    owing(thing=thing, amount=2000)
    _thing, silent = owing("Sans Courriel", phone="+22370000002")
    Taxpayer.objects.filter(parts__taxed=thing).update(email="awa@example.org", language="pt")
    assert running.remind() == 3 and running.remind() == 0
    (message,) = sent()
    assert (message.medium, message.address, message.subject, message.language) == ("email", "awa@example.org", "Lembrete de pagamento", "pt")  # fmt: skip
    words = message.text.replace("\u00a0", " ").replace(".", " ")
    assert "7 700" in words and "700" in words and f"/pay/{late.reference}" in message.text
    assert set(Reminded.objects.exclude(done=None).values_list("bill__payer", flat=True)) == {late.payer_id}
    left_out = Reminded.objects.get(bill=silent)
    assert left_out.done is None and left_out.note


def test_nothing_at_night(owing, monkeypatch):
    step(3)
    owing()
    monkeypatch.setattr(running.channels, "quiet_now", lambda _now: True)
    running.remind_now()
    assert not Reminded.objects.exists()
    monkeypatch.setattr(running.channels, "quiet_now", lambda _now: False)
    running.remind_now()
    assert Reminded.objects.count() == 1


def test_each_payment_is_confirmed_once(owing):
    _thing, late = owing()
    desk = ledger.new_desk("Counter", by=SYSTEM)
    payment = ledger.take(3000, "XOF", "cash", desk=desk, key="k1", by=SYSTEM, payer=late.payer_id)
    run_jobs()
    running.confirm(ledger.PaymentTaken(payment.pk, late.payer_id, 3000, "XOF", "cash"))
    (message,) = Message.objects.filter(key=ledger.told(payment.pk))
    assert ledger.receipt_number(payment) in message.text and "2 000" in message.text.replace(",", " ")
    assert sms.size(message.text).alphabet == "GSM"


def test_what_a_step_brought_is_counted_once_and_for_the_last(owing):
    first, second = step(3, cost=25), step(8, cost=100, way="letter")
    _thing, bill = owing(days=4)
    running.remind()
    running.remind(timezone.localdate() + timedelta(days=5))
    assert [one.step_id for one in Reminded.objects.order_by("pk")] == [first.pk, second.pk]
    desk = ledger.new_desk("Counter", by=SYSTEM)
    ledger.take(2000, "XOF", "cash", desk=desk, key="k1", by=SYSTEM, payer=bill.payer_id)
    worth = {one.step.pk: one for one in reads.worth()}
    assert (worth[first.pk].cost, worth[first.pk].brought) == (25, 0)
    assert (worth[second.pk].cost, worth[second.pk].brought) == (0, 2000), "not yet printed: it has cost nothing"


def test_letters_and_seizures_as_a_head_of_service_does_them(owing, hire, settings, tmp_path):
    settings.MEDIA_ROOT = str(tmp_path)
    step(3, "letter", cost=300)
    notice = step(60, "notice", law="Code, art. 40")
    _thing, late = owing(days=10)
    _thing, older = owing("Moussa Diarra", days=70, phone="+22370000002")
    running.remind()
    long_ago = timezone.now() - timedelta(days=57)
    Reminded.objects.filter(bill=older).update(at=long_ago, done=long_ago)
    running.remind()
    client = hire("manager")
    page = client.get("/desk/revenue/reminders/letters").content.decode()
    key = str(uuid.uuid4())
    letter = DunningStep.objects.get(way="letter")
    assert key not in page and "Make a file" in page
    for _again in range(2):
        assert client.post("/desk/revenue/reminders/letters", {"step": letter.pk, "key": key}).status_code == 302
    batch = LetterBatch.objects.get()
    assert batch.letters_count == 1 and Reminded.objects.get(bill=late).batch == batch
    run_jobs()
    pdf = b"".join(client.get(f"/desk/revenue/reminders/letters/{batch.pk}").streaming_content)
    assert pdf.startswith(b"%PDF")
    client.post(f"/desk/revenue/reminders/letters/{batch.pk}")
    assert Reminded.objects.get(bill=late).done is not None
    row = Reminded.objects.get(bill=older, step=notice)
    client.post("/desk/revenue/reminders/letters", {"step": notice.pk, "key": str(uuid.uuid4())})
    assert LetterBatch.objects.count() == 1, "nobody approved it yet"
    assert "Moussa Diarra" in client.get("/desk/revenue/reminders/seizures").content.decode()
    assert hire("agent").post(f"/desk/revenue/reminders/seizures/{row.pk}", {"do": "approve"}).status_code == 403
    client.post(f"/desk/revenue/reminders/seizures/{row.pk}", {"do": "approve"})
    row.refresh_from_db()
    assert row.approved_by == client.account.pk
    client.post("/desk/revenue/reminders/letters", {"step": notice.pk, "key": str(uuid.uuid4())})
    seizure = Reminded.objects.get(bill=older, step=notice).batch
    assert seizure is not None and seizure != batch
    run_jobs()
    paper = pdfium.PdfDocument(b"".join(client.get(f"/desk/revenue/reminders/letters/{seizure.pk}").streaming_content))
    words = [" ".join(one.get_textpage().get_text_range().split()) for one in paper]
    (said,) = [one for one in words if notices.spaced(older.reference) in one]
    assert "Commandement avant saisie" in said
    for part in ("Moussa Diarra", "5 000", "huit jours", "Code, art. 40", f"/pay/{older.reference}"):
        assert part in said, (part, said)
    assert not any("Awa" in one for one in words), "nobody else's"
    assert "600" in client.get("/desk/revenue/reminders/").content.decode()


def test_visits_are_those_of_ones_district_and_go_when_a_collector_was_there(owing, hire, zongo, plateau, stall):
    step(3, "visit")
    thing, _bill = owing()
    far = stall("Moussa Diarra", lon=-0.975, lat=12.005)
    owing(thing=far)
    running.remind()
    page = hire("agent", zone=zongo.pk).get("/desk/revenue/reminders/visits").content.decode()
    assert "Awa Traoré" in page and "Moussa Diarra" not in page
    row = Reminded.objects.get(bill__about=far.code)
    assert hire("agent", zone=zongo.pk).post(f"/desk/revenue/reminders/visits/{row.pk}").status_code == 403
    assert hire("agent", zone=plateau.pk).post(f"/desk/revenue/reminders/visits/{row.pk}").status_code == 302
    collector = Collector.objects.create(account=7, desk=ledger.new_desk("C", by=SYSTEM))
    near = Reminded.objects.get(bill__about=thing.code)
    for minutes, outcome in ((9, "paid"), (-9, "seen"), (3, "later")):  # in the order in which the town heard of them
        done = near.at + timedelta(minutes=minutes)
        Visit.objects.create(
            client_id=uuid.uuid4(), collector=collector, taxed=thing, outcome=outcome, done=done, point=Point(-1, 12)
        )
    running.visited()
    assert not Reminded.objects.filter(done=None).exists()
    near.refresh_from_db()
    assert near.done - near.at == timedelta(minutes=3), "the first that was made since it was asked for"


def test_a_step_with_a_penalty_needs_its_law(hire, town):
    client = hire("manager")
    told = {"after": "30", "way": "letter", "cost": "300", "least": "1000", "penalty": "10", "active": "on"}
    wrong = client.post("/desk/revenue/reminders/step", told)
    assert wrong.status_code == 422 and "act that allows it" in wrong.content.decode()
    assert client.post("/desk/revenue/reminders/step", {**told, "law": "Code, art. 40"}).status_code == 302
    row = DunningStep.objects.get()
    assert (row.after, row.cost, row.least, row.penalty) == (30, 300, 1000, 10)
    assert Taxed.objects.count() == 0
