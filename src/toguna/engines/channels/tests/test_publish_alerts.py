"""Rules that raise alerts, who lets them leave, CAP; reminders that are said once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import feedparser
import pytest
from capvalidator import check_schema
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from toguna.engines.channels.models import AlertSetting, Message, Publication
from toguna.engines.channels.publish import actions, alerts, cap, demo, reminders
from toguna.engines.channels.publish.alerts import AlertRule
from toguna.engines.channels.publish.reminders import Due, Reminder
from toguna.engines.people import api as people
from toguna.engines.people.models import Contact, Person
from toguna.engines.people.testing import sign_in
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel import registry
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, Actor, Denied, Grant
from toguna.kernel.demo import DemoFiles
from toguna.kernel.testing import forget_jobs, run_jobs

pytestmark = pytest.mark.django_db
CHIEF = Actor(account=3, staff=True, grants=(Grant(ADMINISTRATOR),))
HEAD = Actor(account=2, staff=True, grants=(Grant(MANAGER),))
RULE = AlertRule(
    name="test.gauge", title="The river is high", level="severe", risk="flood", category="Met", fields=("height",),
    titles={"fr": "Crue", "pt": "Cheia", "en": "Flood"},
    texts=dict.fromkeys(("fr", "pt", "en"), "{height} m"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def declared(db, monkeypatch):
    forget_jobs()
    real_find, real_declared = registry.find, registry.declared
    monkeypatch.setattr(registry, "find", lambda kind, name: RULE if name == RULE.name else real_find(kind, name))
    monkeypatch.setattr(
        registry, "declared", lambda kind: [*real_declared(kind), *([RULE] if kind is AlertRule else [])]
    )


@pytest.fixture
def district(db):
    made = Zone.objects.create(
        level=0, name="Nord", source="t:0", geom=MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
    )
    zones.forget()
    yield made
    zones.forget()


@pytest.fixture
def officer():
    return people.create_staff(
        email="officer@town.test", password="long enough to be one", name="Officer", grants=[(MANAGER, "*", None)]
    )


def resident(phone: str, zone=None) -> Person:
    person = Person.objects.create(language="fr", zone=zone)
    Contact.objects.create(person=person, kind="phone", value=phone)
    return person


def raised(key: str = "gauge:1", **more) -> Publication:
    return alerts.raise_alert(RULE.name, key, facts={"height": 4.2}, **more)


def test_it_waits_for_a_person_and_they_are_told(district, officer):
    resident("+22370000001", district)
    row = raised()
    assert (row.state, row.lane, row.texts["fr"]) == ("asked", 100, "4.2 m") and raised().pk == row.pk
    run_jobs()
    assert Message.objects.get().address == "officer@town.test"  # nobody else yet
    actions.approve(row.pk, by=HEAD)
    run_jobs()
    assert Message.objects.get(medium="sms").address == "+22370000001"


def test_only_where_an_officer_allowed_it_does_it_leave_by_itself(district, officer):
    resident("+22370000001", district)
    with pytest.raises(Denied):
        alerts.decide(RULE.name, automatic=True, enabled=True, by=HEAD)
    alerts.decide(RULE.name, automatic=True, enabled=True, by=CHIEF)
    row = raised()
    run_jobs()
    assert Message.objects.filter(publication=row, medium="sms").count() == 1
    assert "Crue" in Message.objects.get(address="officer@town.test", medium="email").text
    alerts.decide(RULE.name, automatic=True, enabled=False, by=CHIEF)
    assert raised("gauge:2") is None and Publication.objects.count() == 1


def test_those_of_the_district_and_those_who_asked(district):
    other = Zone.objects.create(
        level=2, name="Sud", source="t:1", geom=MultiPolygon(Polygon.from_bbox((1, 0, 2, 1)), srid=4326)
    )
    zones.forget()
    for phone, zone in (("+22370000001", district), ("+22370000002", other)):
        resident(phone, zone)
    row = raised(zones=[district.pk])
    actions.approve(row.pk, by=HEAD)
    run_jobs()
    assert [m.address for m in Message.objects.filter(medium="sms")] == ["+22370000001"]


def test_the_page_of_rules(officer):
    client = Client(headers={"accept-language": "en"})
    sign_in(client, officer)
    page = client.get(reverse("alert-rules"))
    assert "The river is high" in page.content.decode() and "Keep" not in page.content.decode()
    assert client.post(reverse("alert-rules"), {"rule": RULE.name, "automatic": "on"}).status_code == 403
    chief = people.create_staff(
        email="c@town.test", password="long enough to be one", name="Chief", grants=[(ADMINISTRATOR, "*", None)]
    )
    sign_in(client := Client(), chief)
    assert client.post(reverse("alert-rules"), {"rule": "nothing"}).status_code == 404
    client.post(reverse("alert-rules"), {"rule": RULE.name, "automatic": "on", "enabled": "on"})
    assert AlertSetting.objects.get().automatic


def test_cap_is_valid_and_its_areas_are_simple(client, district):
    rough = MultiPolygon(Point(0.5, 0.5).buffer(0.1, quadsegs=200))
    rough.srid = 4326
    row = raised(area=rough)
    assert client.get(reverse("publication-cap", args=[row.pk])).status_code == 404  # not before it leaves
    Publication.objects.update(state="done", started=timezone.now())
    answer = client.get(reverse("publication-cap", args=[row.pk]))
    assert answer["Content-Type"] == "application/cap+xml"
    result = check_schema(answer.content)
    assert result.passed, result.message
    text = answer.content.decode()
    assert "<severity>Severe</severity>" in text and text.count("<info>") == 3
    corners = text.partition("<polygon>")[2].partition("</polygon>")[0].split()
    assert 4 <= len(corners) <= cap.MOST_CORNERS and corners[0] == corners[-1]
    lat, lon = map(float, corners[0].split(","))
    assert abs(lat - 0.5) < 0.2 and abs(lon - 0.5) < 0.2
    feed = feedparser.parse(client.get(reverse("alerts-feed")).content)
    assert not feed.bozo and feed.entries[0].link.endswith(".cap")


def test_a_cancelled_alert_is_cancelled_in_cap_too(client, district):
    row = raised()
    Publication.objects.update(state="sending", started=timezone.now())
    actions.cancel(row.pk, by=CHIEF)
    text = client.get(reverse("publication-cap", args=[row.pk])).content.decode()
    assert "<msgType>Cancel</msgType>" in text and cap.identifier(row) in text and check_schema(text.encode()).passed


def test_an_alert_is_said_more_of_then_over(client, district):
    """The same people, a second person again, and CAP that names what it replaces."""
    resident("+22370000001", district)
    first = raised(zones=[district.pk])
    with pytest.raises(actions.Refused):
        actions.follow(first.pk, ends=True, by=CHIEF)  # it has not left
    actions.approve(first.pk, by=HEAD)
    run_jobs()
    more = actions.follow(first.pk, ends=False, by=HEAD)
    assert actions.follow(first.pk, ends=False, by=HEAD).pk == more.pk  # pressed twice
    with pytest.raises(Denied):
        actions.follow(first.pk, ends=True, by=Actor(account=9, staff=True, grants=(Grant(AGENT),)))
    for row in (more, actions.follow(first.pk, ends=True, by=HEAD)):
        actions.ask(row.pk, by=HEAD)
        with pytest.raises(actions.Refused):
            actions.approve(row.pk, by=HEAD)
        actions.approve(row.pk, by=CHIEF)
        run_jobs()
        assert [m.address for m in Message.objects.filter(publication=row)] == ["+22370000001"]
    assert row.titles["fr"].endswith("Crue") and row.titles["fr"] != "Crue"
    for pk, kind in ((first.pk, "Alert"), (more.pk, "Update"), (row.pk, "Cancel")):
        said = client.get(reverse("publication-cap", args=[pk])).content
        assert f"<msgType>{kind}</msgType>" in said.decode() and check_schema(said).passed
        assert (cap.identifier(first) in said.decode()) and ("<references>" in said.decode()) == (pk != first.pk)
    page = client.get(reverse("publication-public", args=[first.pk])).content.decode()
    assert reverse("publication-public", args=[row.pk]) in page
    assert len(feedparser.parse(client.get(reverse("alerts-feed")).content).entries) == 3


def test_the_demo_town_has_published(client, tmp_path):
    for n in range(30):
        resident(f"+223700000{n:02d}")
    for _twice in range(2):
        demo.load(DemoFiles(tmp_path, 30, date(2026, 7, 1), lambda step, share: None))
    found = list(Publication.objects.order_by("started").values_list("state", "lane", "ends"))
    assert found == [("done", 10, False), ("done", 100, False), ("done", 100, True), ("asked", 10, False)]
    assert Message.objects.count() == 90 and not Message.objects.filter(state__in=["queued", "sending"]).exists()
    assert set(Message.objects.values_list("state", flat=True)) == {"failed", "sent", "delivered"}
    assert Publication.objects.get(state="asked").estimate["people"] == 30
    assert len(feedparser.parse(client.get(reverse("alerts-feed")).content).entries) == 2


def test_a_publication_that_is_no_alert_has_no_cap(client):
    row = Publication.objects.create(titles={"fr": "Fête"}, media=["sms"], state="done", started=timezone.now())
    assert client.get(reverse("publication-cap", args=[row.pk])).status_code == 404


@pytest.mark.parametrize("wrong", [{"level": "huge"}, {"texts": {"fr": "x"}}, {"fields": ()}])
def test_what_is_wrong_with_a_rule_is_said(wrong):
    given = {name: getattr(RULE, name) for name in ("name", "title", "level", "titles", "texts", "fields")} | wrong
    assert list(AlertRule(**given).problems())
    assert not list(RULE.problems())


def test_a_reminder_is_said_once_by_the_persons_medium(monkeypatch):
    person, nobody = resident("+22370000001"), Person.objects.create()
    day = timezone.make_aware(datetime(2026, 8, 10, 12))

    def due(start, end):
        return [Due(str(p.pk), p.pk, day, {"what": "la pièce"}) for p in (person, nobody) if start <= day <= end]

    words = dict.fromkeys(("fr", "pt", "en"), "{what} : {when}")
    one = Reminder("test", "Reminder", due, words, before=(timedelta(days=2), timedelta(hours=3)))
    monkeypatch.setattr(registry, "declared", lambda kind: [one] if kind is Reminder else [])
    assert reminders.remind(day - timedelta(days=3)) == 0
    for hours in (48, 47, 10, 2, 1):  # the periodic work runs often, and after a night without power
        reminders.remind(day - timedelta(hours=hours))
    said = list(Message.objects.order_by("id").values_list("address", "text"))
    assert said == [("+22370000001", "la pièce : 10 aout")] * 2
    assert reminders.remind(day + timedelta(days=3)) == 0
    assert list(Reminder("x", "X", due, {"fr": "x"}, before=()).problems())
