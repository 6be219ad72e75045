"""One text for all: cut to fit, approved by two, prepared once for each person however often the power fails."""

from __future__ import annotations

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.channels import sms
from toguna.engines.channels.models import Message, OptOut, Publication, Route, Subscription
from toguna.engines.channels.publish import actions, audiences, subscribing, texts
from toguna.engines.channels.publish.actions import Refused, Written
from toguna.engines.people.models import Contact, Person
from toguna.engines.territory import api as territory
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Actor, Denied, Grant
from toguna.kernel.tasks import Lane

pytestmark = pytest.mark.django_db


def actor(pk: int, role: str) -> Actor:
    return Actor(account=pk, staff=True, grants=(Grant(role),))


WRITER, HEAD, CHIEF = actor(1, AGENT), actor(2, MANAGER), actor(3, ADMINISTRATOR)
LONG = "La collecte des ordures change de jour dans votre quartier. " * 12


@pytest.fixture
def district(db):
    square = MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
    other = MultiPolygon(Polygon.from_bbox((1, 0, 2, 1)), srid=4326)
    made = [Zone.objects.create(level=2, name=n, source=n, geom=g) for n, g in (("Nord", square), ("Sud", other))]
    zones.forget()
    yield made
    zones.forget()


def person(phone: str = "", email: str = "", **fields) -> Person:
    made = Person.objects.create(**{"language": "fr", **fields})
    for kind, value in (("phone", phone), ("email", email)):
        if value:
            Contact.objects.create(person=made, kind=kind, value=value)
    return made


def written(**more) -> Written:
    given = {
        "titles": {"fr": "Collecte"},
        "texts": {"fr": "Le camion passe lundi."},
        "media": ["sms", "email"],
        "audience": {"known": True},
    }
    return Written(**{**given, **more})


def sent_to(row: Publication) -> list[str]:
    return sorted(Message.objects.filter(publication=row).values_list("address", flat=True))


def prepared(**more) -> Publication:
    row = actions.write(None, written(**more), by=CHIEF)
    Publication.objects.filter(pk=row.pk).update(state=Publication.State.APPROVED)
    actions.prepare.func(row.pk)
    row.refresh_from_db()
    return row


@pytest.mark.parametrize("parts", [1, 2, 3])
def test_an_sms_is_cut_to_its_parts_with_the_address_of_the_rest(parts):
    row = actions.write(None, written(texts={"fr": LONG}, most_parts=parts), by=WRITER)
    cut = texts.fitted(row, "sms", "fr")
    size = sms.size(cut.text)
    assert size.alphabet == "GSM" and size.parts == cut.parts == parts and cut.cut
    assert cut.text.endswith(f"/p/{row.pk}")
    assert texts.fitted(row, "email", "fr").text == LONG.strip()
    assert len(texts.fitted(row, "push", "fr").text) <= 120
    assert sms.size(texts.fitted(row, "ussd", "fr").text).units <= 182


def test_nothing_becomes_dear_in_silence():
    row = actions.write(None, written(texts={"fr": "Réunion 😀 demain"}), by=WRITER)
    with pytest.raises(texts.DoesNotFit, match="😀"):
        texts.fitted(row, "sms", "fr")
    assert texts.fitted(row, "sms", "fr", unicode_allowed=True).alphabet == "UCS-2"
    plain = actions.write(None, written(texts={"fr": "L’eau – « coupée » à 8\u202fh"}), by=WRITER)
    assert texts.fitted(plain, "sms", "fr").alphabet == "GSM"


@given(st.text(min_size=1, max_size=900), st.integers(1, 4))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_fits_or_is_refused(words, parts):
    row = Publication(pk=12, titles={"fr": "T"}, texts={"fr": words}, most_parts=parts, media=["sms"])
    try:
        cut = texts.fitted(row, "sms", "fr")
    except texts.DoesNotFit:
        return
    assert sms.size(cut.text).parts <= parts and sms.size(cut.text).alphabet == "GSM"


def test_each_person_and_each_number_once(district):
    one = person("+22370000001", "one@example.org")
    person("+22370000001", name="behind the same phone")
    person("+22370000002", language="en")
    person("+22370000003")
    OptOut.objects.create(medium="sms", address="+22370000003")
    Contact.objects.filter(value="+22370000002").update(lost=None)
    person("+22370000004", erased="2026-01-01T00:00Z")
    gone = person("+22370000005")
    Contact.objects.filter(person=gone).update(lost="2026-01-01T00:00Z")
    row = prepared()
    assert sent_to(row) == ["+22370000001", "+22370000002"]
    assert row.state == Publication.State.SENDING
    assert set(Message.objects.values_list("language", flat=True)) == {"fr"}  # written in French alone
    assert one.pk in Message.objects.values_list("person", flat=True)
    alarm = prepared(lane=Lane.ALARM)
    assert "+22370000003" in sent_to(alarm)  # an alarm passes a STOP


def test_by_district_by_area_by_language_by_subscription(district):
    north, south = district
    person("+22370000001", zone=north)
    person("+22370000002", zone=south, language="en")
    person("+22370000003")
    for address, subject, confirmed in (
        ("+22370000008", "flood", True),
        ("+22370000009", "flood", False),
        ("+22370000001", "flood", True),
    ):
        Subscription.objects.create(
            medium="sms",
            address=address,
            about="risk",
            subject=subject,
            confirmed="2026-01-01T00:00Z" if confirmed else None,
        )
    assert sent_to(prepared(audience={"known": True, "zones": [north.pk]})) == ["+22370000001"]
    area = MultiPolygon(Polygon.from_bbox((1.5, 0.5, 3, 3)), srid=4326)
    assert sent_to(prepared(area=area)) == ["+22370000002"]
    assert sent_to(prepared(audience={"known": True, "languages": ["en"]})) == ["+22370000002"]
    assert sent_to(prepared(audience={"subscribed": [["risk", "flood"]]})) == ["+22370000001", "+22370000008"]
    assert len(sent_to(prepared(audience={"known": True, "subscribed": [["risk", "flood"]]}))) == 4


def test_one_message_a_person_whatever_they_gave_and_asked_for(district):
    """By their phone, by a subscription of their mail and by one of their number: one of them, and counted as one."""
    one, now = person("+22370000001", zone=district[0]), "2026-01-01T00:00Z"
    person("+22370000001", name="behind the same phone")
    reader = person("", "x@example.org")
    for medium, address, whose, subject in (
        ("email", "awa@example.org", one, "flood"),
        ("sms", "+22370000001", None, "flood"),
        ("email", "x@example.org", reader, "flood"),
        ("sms", "+22370000008", reader, "fire"),
    ):
        Subscription.objects.create(
            medium=medium, address=address, person=whose, about="risk", subject=subject, confirmed=now
        )
    for audience, expected in (
        ({"known": True, "subscribed": [["risk", "flood"]]}, ["+22370000001", "x@example.org"]),
        ({"subscribed": [["risk", "*"]]}, ["+22370000001", "+22370000008", "awa@example.org"]),
    ):
        row = prepared(audience=audience)
        assert sent_to(row) == expected
        assert sum(count for *_rest, count in audiences.counted(row)) == len(expected)


def test_an_alarm_reaches_who_only_ever_subscribed_there(district):
    north, south = district
    for n, (about, subject, zone) in enumerate(
        (("zone", str(north.pk), north), ("zone", str(south.pk), south), ("risk", "flood", None), ("town", "", None))
    ):
        Subscription.objects.create(
            medium="sms",
            address=f"+2237000000{n}",
            about=about,
            subject=subject,
            zone=zone,
            confirmed="2026-01-01T00:00Z",
        )
    where = {"known": True, "zones": [north.pk]}
    assert sent_to(prepared(audience=where)) == []
    assert sent_to(prepared(audience=where, lane=Lane.ALARM)) == ["+22370000000", "+22370000002"]
    assert len(sent_to(prepared(lane=Lane.ALARM))) == 4


def test_around_a_place_that_was_chosen(district):
    """Within its metres of what is concerned, on the other side of a boundary too."""
    for lon, metres in ((0.99, 3000), (0.99, 300), (0.2, 3000)):
        row = subscribing.subscribe(
            "sms", f"+2237000{metres}{int(lon * 100)}", "area", subscribing.around(lon, 0.5, metres), confirmed=True
        )
        assert row.zone == district[0]
    chosen = {"subscribed": [["area", "*"]]}
    assert sent_to(prepared(audience={**chosen, "zones": [district[1].pk]})) == ["+2237000300099"]
    assert sent_to(prepared(audience=chosen, area=territory.circle(0.98, 0.5, 1000))) == [
        "+2237000300099",
        "+223700030099",
    ]
    for wrong in ("", "x", "1,2", "91,0,300", "0,0,5000000"):
        with pytest.raises(ValueError):
            subscribing.subscribe("sms", "+22370000001", "area", wrong)


def test_what_is_only_for_the_news_needs_no_addresses():
    row = actions.write(None, written(media=["web", "social"], audience={}), by=WRITER)
    actions.ask(row.pk, by=WRITER)
    actions.approve(row.pk, by=HEAD)
    actions.prepare.func(row.pk)
    actions.finish()
    row.refresh_from_db()
    assert row.state == Publication.State.DONE and row.started and not Message.objects.exists()


def test_the_estimate_is_what_is_then_prepared(district):
    Route.objects.create(slug="a", kind="http", price="12.5", rate=10, prefixes=["+2237"])
    Route.objects.create(slug="b", kind="http", price="50", rate=1, order=200)
    for n in range(5):
        person(f"+2237000000{n}", zone=district[n % 2])
    person("+33600000000")
    person("", "x@example.org")
    row = actions.write(None, written(), by=WRITER)
    found = actions.estimate(row)
    assert found["people"] == 7 and found["by_medium"] == {"sms": 6, "email": 1} and found["parts"] == 6
    assert found["price"] == "112.50" and found["seconds"] == 1
    assert found["people"] == len(sent_to(prepared()))


def test_who_writes_does_not_send_alone(district):
    person("+22370000001")
    row = actions.write(None, written(), by=WRITER)
    actions.ask(row.pk, by=WRITER)
    for wrong in (WRITER, actor(9, "reader"), Actor()):
        with pytest.raises(Denied):
            actions.approve(row.pk, by=wrong)
    own = actions.write(None, written(), by=HEAD)
    actions.ask(own.pk, by=HEAD)
    with pytest.raises(Refused):
        actions.approve(own.pk, by=HEAD)
    actions.approve(row.pk, by=HEAD)
    with pytest.raises(Refused):
        actions.approve(row.pk, by=HEAD)
    with pytest.raises(Refused):
        actions.write(row, written(), by=WRITER)
    with pytest.raises(Denied):
        actions.write(None, written(lane=Lane.ALARM), by=WRITER)
    alarm = actions.write(None, written(lane=Lane.ALARM), by=CHIEF)
    actions.ask(alarm.pk, by=CHIEF)
    actions.approve(alarm.pk, by=CHIEF)


def test_nobody_and_too_dear(district):
    row = actions.write(None, written(), by=WRITER)
    with pytest.raises(Refused):
        actions.ask(row.pk, by=WRITER)
    person("+22370000001")
    Route.objects.create(slug="a", kind="http", price="12.5")
    actions.ask(row.pk, by=WRITER)
    Publication.objects.filter(pk=row.pk).update(cap=10)
    with pytest.raises(Refused, match=r"12\.5"):
        actions.approve(row.pk, by=HEAD)
    for wrong in ({"titles": {}}, {"media": []}):
        with pytest.raises(Refused):
            actions.write(None, written(**wrong), by=WRITER)


class Cut(Exception):
    """The power fails."""


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fails=st.lists(st.integers(1, 12), max_size=6), chunk=st.integers(1, 4))
def test_a_preparation_that_is_cut_anywhere(district, monkeypatch, fails, chunk):
    """However often it is cut, at whatever statement: each person once, nobody missed."""
    Message.objects.all().delete()
    Contact.objects.all().delete()
    Person.objects.all().delete()
    expected = sorted(f"+223710000{n:02d}" for n in range(9))
    for phone in expected:
        person(phone)
    monkeypatch.setattr(actions, "CHUNK", chunk)
    row = actions.write(None, written(media=["sms"]), by=CHIEF)
    Publication.objects.filter(pk=row.pk).update(state=Publication.State.APPROVED)
    left = list(fails)

    def run() -> None:
        count, at = 0, left.pop(0) if left else 10**6

        def fail(execute, sql, params, many, context):
            nonlocal count
            count += 1
            if count == at:
                raise Cut
            return execute(sql, params, many, context)

        with connection.execute_wrapper(fail):
            actions.prepare.func(row.pk)

    for _attempt in range(len(fails) + 1):
        try:
            run()
        except Cut:
            continue
    assert sent_to(row) == expected
    row.refresh_from_db()
    assert row.state == Publication.State.SENDING and row.counts["prepared"] == len(expected)


def test_pause_resume_cancel(district):
    person("+22370000001")
    row = prepared()
    actions.pause(row.pk, by=WRITER)
    actions.resume(row.pk, by=WRITER)
    actions.cancel(row.pk, by=WRITER)
    assert actions.progress(row) == {"cancelled": 1}
    with pytest.raises(Refused):
        actions.resume(row.pk, by=WRITER)


def test_an_audience_that_means_nobody_is_said():
    row = actions.write(None, written(audience={}), by=WRITER)
    with pytest.raises(audiences.NoAudience):
        audiences.selection(row)
    with pytest.raises(Refused):
        actions.ask(row.pk, by=WRITER)
