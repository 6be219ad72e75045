"""The pre-collector's page with its photo, the automatic payment of one's own space, an order by the counter."""

from __future__ import annotations

import io
import re
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from toguna.engines.documents import api as documents
from toguna.engines.ledger import api as ledger
from toguna.engines.ledger.providers import ways
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.kernel.models import AuditEntry
from toguna.services.waste import households
from toguna.services.waste.models import PickUp, PreCollector, Subscription
from toguna.services.waste.orders import actions, forgetting, proof, subscriptions, telling
from toguna.services.waste.tests.conftest import CART, HOME
from toguna.services.waste.tests.test_orders_web import EN, accepted, offer, wanted  # noqa: F401
from toguna.simulate.payments import GIVEN


def person_at(phone: str, name: str = "Fanta", *, confirmed: bool = True) -> tuple[Client, int]:
    """A browser in which whoever has this telephone is logged in."""
    person = people.person_for(name=name, phone=phone, language="en")
    if confirmed:
        people.Contact.objects.filter(person=person, value=phone).update(verified=timezone.now())
    client = Client(headers={"accept-language": "en"})
    sign_in(client, people.Account.objects.create(person=person, name=name), factor=False)
    return client, person.pk


def photo(colour: str = "brown") -> SimpleUploadedFile:
    made = io.BytesIO()
    image = Image.new("RGB", (2400, 1800), colour)
    exif = image.getexif()
    exif[0x010F] = "SecretPhone"
    image.save(made, "JPEG", exif=exif)
    return SimpleUploadedFile("me.jpg", made.getvalue(), "image/jpeg")


def test_jobs_are_taken_done_and_earned_on_the_page(collectors, heard, django_assert_max_num_queries):
    row = actions.ask(wanted(size=2), client_id=uuid.uuid4(), by=SYSTEM)
    assert row.code in heard(CART)
    awa, _person = person_at(CART, "Awa")
    with django_assert_max_num_queries(20):
        assert "350" in awa.get("/waste/jobs").content.decode()
    assert f"Job {row.code}" in awa.get("/account/").content.decode(), "what waits for them is in their space"
    assert HOME not in awa.get("/waste/jobs").content.decode(), "not before they have accepted"
    for _again in range(2):
        awa.post("/waste/jobs/act", {"job": row.code, "do": "yes"})
    row = actions.by_id(row.pk)
    page = awa.get("/waste/jobs").content.decode()
    assert row.state == "accepted" and HOME in page and row.secret not in page
    wrong = awa.post(
        "/waste/jobs/act",
        {"job": row.code, "do": "done", "secret": f"{(int(row.secret) + 1) % 10000:04d}"},
        follow=True,
    )
    assert "not the household" in wrong.content.decode()
    awa.post(
        "/waste/jobs/act",
        {"job": row.code, "do": "done", "secret": row.secret, "photo": photo(), "client_id": str(uuid.uuid4())},
    )
    row.refresh_from_db()
    assert (row.state, row.proof, row.earned) == ("done", "code", 350)
    row.booking.refresh_from_db()
    assert row.booking.state == "cancelled", "fetched before its day: the hour is free for somebody else"
    assert (
        "350" in awa.get("/waste/jobs").content.decode() and documents.files_of(("waste.pickup", row.pk)).count() == 1
    )


def test_a_photo_says_it_and_the_household_or_the_desk_confirms(accepted, collectors, hire, town, heard, client):  # noqa: F811
    row, awa = accepted, person_at(CART, "Awa")[0]
    refused = awa.post("/waste/jobs/act", {"job": row.code, "do": "done"}, follow=True)
    assert "four figures" in refused.content.decode()
    bad = {
        "job": row.code,
        "do": "done",
        "photo": SimpleUploadedFile("a.jpg", b"<svg>"),
        "client_id": str(uuid.uuid4()),
    }
    assert "not a photo" in awa.post("/waste/jobs/act", bad, follow=True).content.decode()
    once = {"job": row.code, "do": "done", "client_id": str(uuid.uuid4())}
    for _again in range(2):
        awa.post("/waste/jobs/act", once | {"photo": photo()})
    row.refresh_from_db()
    assert row.state == "accepted", "a photo alone ends nothing"
    assert row.bill is None and telling.path_of(row) in heard(HOME)
    (file,) = documents.files_of(("waste.pickup", row.pk))

    key = actions.key_of(row)
    mine = f"/waste/pickup/o/{row.code}/photo/{file.public_id}"
    picture = b"".join(client.get(f"{mine}?key={key}").streaming_content)
    assert Image.open(io.BytesIO(picture)).size == (1200, 900) and b"SecretPhone" not in picture
    assert client.get(f"{mine}?key=wrong").status_code == 404 and client.get(
        f"/documents/{file.public_id}"
    ).status_code in (302, 403, 404)
    assert person_at("+22370000088")[0].get(f"/waste/jobs/photo/{row.code}/{file.public_id}").status_code == 404
    agent, seen = hire("agent", town.north.pk), f"/desk/waste/pickups/{row.code}/photo/{file.public_id}"
    assert agent.get(seen).status_code == 200 and hire("agent", town.south.pk).get(seen).status_code == 404
    assert row.code[:4] in agent.get("/desk/waste/pickups/?view=photo").content.decode()
    assert str(file.public_id) in agent.get(f"/desk/waste/pickups/{row.code}").content.decode()

    assert "Yes, it was taken" in client.get(telling.path_of(row), **EN).content.decode()
    for _again in range(2):
        client.post(f"/waste/pickup/o/{row.code}/act", {"key": key, "do": "confirm"})
    row.refresh_from_db()
    assert (row.state, row.proof, row.bill.amount) == ("done", "photo", 500)
    assert forgetting.export(row.household.person_id)[0]["pickups"][0]["photos"] == 1
    forgetting.erase(row.household.person_id)
    assert not documents.File.objects.filter(pk=file.pk).exists(), "what was seen at their door goes with them"


def test_who_has_no_internet_confirms_by_sms(accepted, collectors, say, heard):  # noqa: F811
    assert "was taken" not in say("PICKUP"), "nobody has said it yet"
    proof.add(accepted, collectors.awa, photo().read(), client_id=uuid.uuid4(), by=SYSTEM)
    assert "Send PICKUP" in heard(HOME)
    asked = say("PICKUP")
    number = re.search(rf"(\d) Yes, {accepted.code} was taken", asked)
    assert number is not None, asked
    assert "Thank you" in say(number[1])
    accepted.refresh_from_db()
    assert (accepted.state, accepted.proof) == ("done", "photo")


def test_nobody_confirms_what_no_photo_said_and_only_three_are_kept(accepted, collectors):  # noqa: F811
    with pytest.raises(actions.Refused):
        actions.confirm(accepted, by=SYSTEM)
    awa = person_at(CART, "Awa")[0]
    for n in range(4):
        said = awa.post(
            "/waste/jobs/act",
            {"job": accepted.code, "do": "done", "photo": photo(), "client_id": str(uuid.uuid4())},
            follow=True,
        )
        assert ("three photos" in said.content.decode()) == (n == 3)


def test_a_number_that_was_not_confirmed_sees_no_jobs_and_may_ask_to_work(town, collectors):
    stranger, _person = person_at(CART, "Somebody", confirmed=False)
    assert "My earnings" not in stranger.get("/waste/jobs").content.decode()
    new, _person = person_at("+22370000033", "Oumar")
    assert "Ask to be registered" in new.get("/waste/jobs").content.decode()
    for _again in range(2):
        new.post(
            "/waste/jobs/act", {"do": "register", "name": "Oumar", "district": "Nord", "client_id": str(uuid.uuid4())}
        )
    row = PreCollector.objects.get(phone="+22370000033")
    assert (row.state, row.zones.get()) == ("asked", town.north)


def test_automatic_payment_is_given_and_taken_back_in_ones_space(collectors, monkeypatch):
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": GIVEN["mtn"]})
    fanta, _person = person_at(HOME)
    actions.ask(wanted(weekly=True), client_id=uuid.uuid4(), by=SYSTEM)
    row = Subscription.objects.get()
    assert "asked by itself" in fanta.get("/waste/mine").content.decode()
    for begins in (True, True, False, False, True):
        fanta.post("/waste/mine", {"subscription": row.code, "do": "automatic" if begins else "by-hand"})
        row.household.refresh_from_db()
        held = ledger.orders_of(row.household.payer_id).filter(ended=None)
        assert [(one.phone, one.most) for one in held] == ([(HOME, 2000)] if begins else [])
        assert ("End the automatic payment" in fanta.get("/waste/mine").content.decode()) == begins
    assert ledger.orders_of(row.household.payer_id).count() == 2, "what ended stays in the book; another began"
    other, _person = person_at("+22370000088", "Moussa")
    other.post("/waste/mine", {"subscription": row.code, "do": "by-hand"})
    assert ledger.orders_of(row.household.payer_id).filter(ended=None).count() == 1, "another's is not mine to end"
    subscriptions.end(row, by=SYSTEM, own=True)
    assert not ledger.orders_of(row.household.payer_id).filter(ended=None).exists()


def test_a_weekly_order_on_the_web_may_be_paid_by_itself_where_the_telephone_is_theirs(collectors, monkeypatch, client):
    monkeypatch.setattr(ways, "tables", lambda: {"mtn": GIVEN["mtn"]})
    actions.ask(wanted(), client_id=uuid.uuid4(), by=SYSTEM)
    fanta, _person = person_at(HOME)
    sent = {
        "size": "1",
        "start": offer().isoformat(),
        "where": "Mosquée de Nord",
        "contact": HOME,
        "weekly": "on",
        "automatic": "on",
    }
    assert "asked to pay each month" not in client.get("/waste/pickup/household", **EN).content.decode()
    client.post("/waste/pickup/household", sent | {"contact": "70000044", "client_id": str(uuid.uuid4())})
    assert not ledger.StandingOrder.objects.exists(), "a stranger's telephone is not asked"
    assert "asked to pay each month" in fanta.get("/waste/pickup/household").content.decode()
    fanta.post("/waste/pickup/household", sent | {"client_id": str(uuid.uuid4())})
    assert [one.phone for one in ledger.StandingOrder.objects.all()] == [HOME]


def test_the_counter_orders_for_somebody_as_the_web_does(collectors, hire, heard, town):
    agent = hire("agent", town.north.pk)
    person = people.person_for(name="Fanta", phone=HOME, language="en")
    note = people.note(person, channel="phone", by=people.authority(agent.account.pk))
    page = agent.get(f"/desk/waste/pickups/new?for={note}").content.decode()
    assert "Fanta" in page and "70 00 00 01" in page
    start = re.findall(r'<option value="([^"]+T[^"]+)"', page)[3]
    sent = {
        "for": note, "kind": "household", "client_id": str(uuid.uuid4()), "size": "2", "start": start, "where": "Mosquée de Nord",
        "name": "Fanta", "contact": HOME,
    }  # fmt: skip
    for _again in range(2):
        assert agent.post("/desk/waste/pickups/new", sent).status_code == 302
    row = PickUp.objects.get()
    assert (row.price, row.channel, row.household.person_id, row.household.address) == (500, "phone", person.pk, HOME)
    assert row.code in heard(HOME) and row.code in heard(CART)
    assert AuditEntry.objects.filter(action="waste.pickup_for", data__person=person.pk).count() == 1
    stranger = sent | {"client_id": str(uuid.uuid4()), "contact": "70000077", "where": "Rue 12, Nord"}
    actions.ask(wanted("+22370000077"), client_id=uuid.uuid4(), by=SYSTEM)
    hire("agent").post("/desk/waste/pickups/new", stranger | {"for": ""})
    assert PickUp.objects.filter(household__address="+22370000077").count() == 2
    assert households.by_address("+22370000077").where == "Nord", "an order for another number moves no door"
    south = agent.post("/desk/waste/pickups/new", sent | {"client_id": str(uuid.uuid4()), "where": "Mosquée de Sud"})
    assert south.status_code == 422 and "not in your districts" in south.content.decode()
    assert PickUp.objects.count() == 3
    assert "desk/waste/pickups/new" in hire("agent").get("/desk/waste/pickups/").content.decode()
    assert timezone.localdate(row.start) <= timezone.localdate() + timedelta(days=10)
