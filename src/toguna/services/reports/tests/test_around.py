"""Alerts (asked, confirmed, told once, ended), the feed, the embedded map, the districts."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from email.utils import parsedate_to_datetime

import feedparser
import pytest
from django.contrib.gis.geos import Point
from django.core import signing
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.channels.gateway.media import Outgoing
from toguna.engines.channels.models import Message
from toguna.engines.channels.post import mail_out
from toguna.engines.people import api as people
from toguna.kernel import registry
from toguna.kernel.access import SYSTEM
from toguna.services.reports.around import alerts, urls
from toguna.services.reports.models import Alert

OPEN_TO_ALL = {"around", "reports-feed", "reports-districts", "reports-embed", "reports-embed-code"}


@pytest.fixture
def told(town):
    """told(...) -> a confirmed alert, asked for long ago."""

    def make(address: str = "awa@example.org", *, weekly: bool = False, language: str = "en", **area) -> Alert:
        row = alerts.ask("email", address, alerts.Area(**area), weekly=weekly, language=language)
        alerts.confirm(row)
        Alert.objects.filter(pk=row.pk).update(confirmed=timezone.now() - timedelta(days=30))
        Message.objects.all().delete()
        row.refresh_from_db()
        return row

    return make


def settle() -> None:
    """As if the reports had come an hour ago."""
    cases.Case.objects.update(created=timezone.now() - timedelta(hours=1))


def later(hours: int) -> None:
    """As if the digests had been sent that long ago."""
    Alert.objects.filter(sent__isnull=False).update(sent=timezone.now() - timedelta(hours=hours))


def letters() -> list[Message]:
    return list(Message.objects.filter(key__contains=":new:").order_by("id"))


def link_in(words: str, name: str) -> str:
    found = re.search(rf"https?://[^/\s]+({re.escape(reverse(name, args=['x'])[:-1])}\S+)", words)
    assert found, words
    return found[1]


def test_every_page_is_known():
    assert {p.name for p in urls.urlpatterns} == OPEN_TO_ALL | {"alert-confirm", "alert-end"}


@pytest.mark.parametrize("name", sorted(OPEN_TO_ALL))
@pytest.mark.parametrize("role", ["nobody", "reader", "agent", "manager", "administrator"])
def test_open_to_all(name, role, hire, opened):
    opened()
    client = Client() if role == "nobody" else hire(role)
    assert client.get(reverse(name)).status_code == 200


# Alerts


def test_asked_confirmed_told_once_and_ended(town, opened, client):
    form = {"district": town.north.pk, "email": " Awa@Example.org ", "rhythm": "daily", "radius": "1000"}
    page = client.post(reverse("around"), form, headers={"accept-language": "en"})
    assert page.status_code == 302 and page.url == reverse("around")
    row = Alert.objects.get()
    assert (row.address, row.zone_id, row.point, row.confirmed, row.language) == (
        "awa@example.org",
        town.north.pk,
        None,
        None,
        "en",
    )
    opened()
    settle()
    alerts.send_digests()
    assert not letters()  # not confirmed
    confirm = link_in(Message.objects.get(address="awa@example.org").text, "alert-confirm")
    assert client.get(confirm).status_code == 200
    row.refresh_from_db()
    assert row.confirmed is None  # a program that only opens links confirms nothing
    assert client.post(confirm).status_code == 302
    alerts.send_digests()
    assert not letters()  # what came before is not told
    new, elsewhere = opened(text="Encore un trou"), opened(lon=1.5)
    settle()
    alerts.send_digests()
    [letter] = letters()
    assert letter.address == "awa@example.org" and letter.language == "en" and letter.subject.startswith("1 new report")
    assert new.code in letter.text and "Encore un trou" in letter.text and elsewhere.code not in letter.text
    later(24)
    alerts.send_digests()
    assert len(letters()) == 1
    end = link_in(letter.text, "alert-end")
    assert client.get(end).status_code == 200 and Alert.objects.exists()
    stranger = Client(enforce_csrf_checks=True)  # the mail program: no cookie, no token of ours
    assert stranger.post(end, {"List-Unsubscribe": "One-Click"}).status_code == 204
    assert not Alert.objects.exists()
    assert stranger.post(end, {"List-Unsubscribe": "One-Click"}).status_code == 204
    assert client.get(end).status_code == 200


def test_the_letter_says_how_to_leave(told, opened):
    row = told()
    opened()
    settle()
    alerts.send_digests()
    [letter] = letters()

    def given(key: str, words: str) -> EmailMultiAlternatives:
        message = Outgoing(letter.pk, key, "email", letter.address, words, subject=letter.subject)
        return mail_out.letter(
            message, "mairie@town.test", get_connection("django.core.mail.backends.dummy.EmailBackend")
        )

    said = given(letter.key, letter.text).extra_headers
    assert said["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert said["List-Unsubscribe"].strip("<>").endswith(link_in(letter.text, "alert-end"))
    for once in (f"{alerts.KEY}:{row.public_id.hex}:ask:20260101", "case.opened:1:email"):
        assert "List-Unsubscribe" not in given(once, "x").extra_headers


def test_links_of_others_and_old_ones_do_nothing(told, client):
    row = told()
    forged = uuid.uuid4().hex
    for token in (forged, f"{row.public_id.hex}:abc", signing.Signer(salt="else").sign(row.public_id.hex)):
        client.post(reverse("alert-end", args=[token]))
        assert client.get(reverse("alert-confirm", args=[token])).status_code == 404
    assert Alert.objects.count() == 1
    Alert.objects.update(confirmed=None)
    token = alerts._asked.sign(row.public_id.hex)
    assert alerts.of_confirm_link(token) == row
    old, alerts.CONFIRM_WITHIN = alerts.CONFIRM_WITHIN, timedelta(seconds=-1)
    try:
        assert alerts.of_confirm_link(token) is None
    finally:
        alerts.CONFIRM_WITHIN = old


def test_private_hidden_merged_and_anonymous_ones_are_never_told(told, opened):
    told()
    private, hidden, merged, gone, shown = (opened(text=f"Trou {n}") for n in range(5))
    cases.Case.objects.filter(pk=private.pk).update(public=False)
    cases.hide(hidden.pk, "x", by=SYSTEM)
    cases.merge(shown.pk, [merged.pk], by=SYSTEM)
    cases.Case.objects.filter(pk=gone.pk).update(anonymised=timezone.now())
    settle()
    alerts.send_digests()
    [letter] = letters()
    assert shown.code in letter.text
    assert not [c.code for c in (private, hidden, merged, gone) if c.code in letter.text]


def test_by_point_by_category_and_by_both(told, opened, town):
    near = told("near@example.org", lon=0.5, lat=0.5, radius_m=1000)
    drains = told("drains@example.org", topic=town.topics["blocked-drain"].pk)
    both = told("both@example.org", lon=0.5, lat=0.5, radius_m=1000, topic=town.topics["blocked-drain"].pk)
    whole = told("town@example.org", zone=town.whole.pk)
    here = opened(lon=0.505, lat=0.5)  # 557 m
    edge = opened(lon=0.512, lat=0.5)  # 1336 m
    drain = opened("blocked-drain", lon=1.5)
    drain_here = opened("blocked-drain", lon=0.5, lat=0.501)
    settle()
    alerts.send_digests()
    by = {m.address: m.text for m in letters()}
    codes = {"here": here.code, "edge": edge.code, "drain": drain.code, "drain here": drain_here.code}
    told_of = {address: {name for name, code in codes.items() if code in words} for address, words in by.items()}
    assert told_of == {
        near.address: {"here", "drain here"}, drains.address: {"drain", "drain here"}, both.address: {"drain here"},
        whole.address: set(codes),
    }  # fmt: skip


def test_a_parent_category_has_its_children(told, opened, town):
    roads, hole = town.topics["damaged-sign"], town.topics["pothole"]
    cases.Topic.objects.filter(pk=hole.pk).update(parent=roads)
    told(topic=roads.pk)
    case = opened("pothole")
    settle()
    alerts.send_digests()
    assert case.code in letters()[0].text


def test_a_report_under_way_is_told_the_next_time(told, opened):
    """One with a lower number may still be in a transaction: nothing that young is told, so that none is passed over."""
    told()
    young = opened()
    alerts.send_digests()
    assert not letters()
    settle()
    alerts.send_digests()
    assert young.code in letters()[0].text


def test_weekly_and_daily(told, opened):
    told("weekly@example.org", weekly=True)
    told("daily@example.org")
    opened()
    settle()
    alerts.send_digests()
    alerts.send_digests()
    assert sorted(m.address for m in letters()) == ["daily@example.org", "weekly@example.org"]
    later(24)
    opened()
    settle()
    alerts.send_digests()
    assert sorted(m.address for m in letters()) == ["daily@example.org", "daily@example.org", "weekly@example.org"]
    later(24 * 7)
    alerts.send_digests()
    assert sum(m.address == "weekly@example.org" for m in letters()) == 2
    fresh = alerts.ask("email", "new@example.org", alerts.Area(topic=None), weekly=True, language="fr")
    alerts.confirm(fresh)
    opened()
    settle()
    alerts.send_digests()
    assert not [m for m in letters() if m.address == "new@example.org"]  # a week after it was confirmed, not at once


def test_the_worker_dies_in_the_middle(told, opened, monkeypatch):
    """Batches that were done stay done; the one in which it died is done again, and nobody gets two letters."""
    for n in range(5):
        told(f"p{n}@example.org")
    opened()
    settle()
    monkeypatch.setattr(alerts, "BATCH", 2)
    real, sent = alerts._tell, []

    def dies(row, *args):
        real(row, *args)
        sent.append(row)
        if len(sent) == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(alerts, "_tell", dies)
    with pytest.raises(KeyboardInterrupt):
        alerts.send_digests()
    assert len(letters()) == 2
    monkeypatch.setattr(alerts, "_tell", real)
    alerts.send_digests()
    alerts.send_digests()
    assert sorted(m.address for m in letters()) == [f"p{n}@example.org" for n in range(5)]


def test_the_pairs_are_found_in_one_statement(told, opened):
    def statements() -> int:
        settle()
        later(24)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            alerts.send_digests()
        return sum("fresh AS MATERIALIZED" in q["sql"] for q in seen)

    for n in range(3):
        told(f"p{n}@example.org", topic=None)
    opened()
    assert statements() == 1
    for n in range(30):
        told(f"q{n}@example.org")
        opened()
    assert statements() == 1
    assert len(letters()) >= 33


def test_a_long_list_is_cut_and_counted(told, opened):
    told()
    for n in range(alerts.SHOWN + 3):
        opened(text=f"Trou {n}")
    settle()
    alerts.send_digests()
    [letter] = letters()
    assert letter.subject.startswith(f"{alerts.SHOWN + 3} new reports")
    assert letter.text.count("/reports/") == alerts.SHOWN + 1 and "3 more" in letter.text


def test_in_their_language(told, opened):
    for language in ("fr", "pt", "en"):
        told(f"{language}@example.org", language=language)
    opened()
    settle()
    alerts.send_digests()
    words = {m.language: m.text for m in letters()}
    assert "Nid-de-poule" in words["fr"] and "Buraco" in words["pt"] and "Pothole" in words["en"]


def test_the_same_alert_twice_is_one(town, client):
    for rhythm in ("daily", "weekly"):
        client.post(reverse("around"), {"district": town.north.pk, "email": "a@b.org", "rhythm": rhythm})
        client.post(reverse("around"), {"position": "0.5, 0.5", "radius": "500", "email": "a@b.org", "rhythm": rhythm})
    assert Alert.objects.count() == 2
    assert set(Alert.objects.values_list("zone_id", "weekly", "radius_m")) == {
        (town.north.pk, True, 1000),
        (None, True, 500),
    }
    assert Message.objects.count() == 2  # one letter for each, however often the button is pressed


def test_limits(town, client):
    def ask(who: Client, address: str, zone: int) -> int:
        return who.post(reverse("around"), {"district": zone, "email": address, "rhythm": "daily"}).status_code

    assert [ask(Client(), "a@b.org", town.north.pk) for _ in range(alerts.ASKED_PER_ADDRESS + 1)][-2:] == [302, 422]
    client.get(reverse("around"))  # its cookie
    assert [ask(client, f"p{n}@b.org", town.north.pk) for n in range(21)][-2:] == [302, 422]
    page = client.post(reverse("around"), {"district": town.north.pk, "email": "q@b.org", "rhythm": "daily"})
    assert re.search(r"\d+ min", page.content.decode())
    assert not Alert.objects.filter(address="q@b.org").exists()


def test_too_many_alerts_for_one_address(town, monkeypatch):
    monkeypatch.setattr(alerts, "ASKED_PER_ADDRESS", 1000)
    monkeypatch.setattr(alerts, "MOST_PER_ADDRESS", 3)
    topics = list(town.topics.values())
    for topic in topics[:3]:
        alerts.ask("email", "a@b.org", alerts.Area(topic=topic.pk), weekly=False, language="fr")
    with pytest.raises(cases.Refused):
        alerts.ask("email", "a@b.org", alerts.Area(topic=topics[3].pk), weekly=False, language="fr")


@pytest.mark.parametrize(
    "wrong",
    [
        {}, {"email": "not one"}, {"email": "a@b.org", "rhythm": "hourly"}, {"district": "999999"}, {"district": "x"},
        {"position": "nowhere"}, {"topic": "no-such", "district": ""}, {"district": ""}, {"radius": "7"}, {"email": "a\0@b.org"},
        {"place": "derrière une chose que personne ne connaît", "district": ""},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(wrong, town, client):
    good = {"district": town.north.pk, "email": "a@b.org", "rhythm": "daily", "radius": "1000"}
    page = client.post(reverse("around"), {**good, **wrong} if wrong else {})
    assert page.status_code == 422 and not Alert.objects.exists() and not Message.objects.exists()
    assert "errors" in page.content.decode()


def test_what_is_there_is_shown_first(town, opened, client):
    here, far = opened(), opened(lon=0.9)
    page = client.get(reverse("around"), {"position": "0.5, 0.5", "radius": "2000"}).content.decode()
    assert here.code in page and far.code not in page
    feed = re.search(r'href="(/reports/feed.rss\?[^"]+)"', page)[1].replace("&amp;", "&")
    assert [e.link.rsplit("/", 1)[1] for e in feedparser.parse(client.get(feed).content).entries] == [here.code]


def test_unconfirmed_ones_go_and_a_person_is_forgotten(told, town):
    row = alerts.ask("email", "old@example.org", alerts.Area(topic=None), weekly=False, language="fr")
    Alert.objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(days=4))
    mine = told("awa@example.org")
    alerts.send_digests()
    assert list(Alert.objects.all()) == [mine]
    person = people.person_for(email="awa@example.org")
    assert alerts.export(person.pk)[0]["address"] == "awa@example.org"
    alerts.forget(person.pk)
    assert not Alert.objects.exists()
    assert registry.find(people.Erasure, "alerts") and registry.find(people.PersonalData, "alerts")


# The feed


def test_the_feed_is_read_by_an_independent_reader(opened, client, town):
    first, second = opened(text="Un <b>trou</b> & de l'eau"), opened("blocked-drain", lon=1.5, lat=0.25)
    answer = client.get(reverse("reports-feed"), headers={"accept-language": "fr"})
    assert answer.headers["Content-Type"].startswith("application/rss+xml")
    found = feedparser.parse(answer.content)
    assert not found.bozo and found.version == "rss20"
    assert [e.link.rsplit("/", 1)[1] for e in found.entries] == [second.code, first.code]
    newest, oldest = found.entries
    assert newest.id == newest.link and "Caniveau" in newest.title and newest.tags[0].term == "Caniveau bouché"
    assert newest.where == {"type": "Point", "coordinates": (1.5, 0.25)}
    assert "Un <b>trou</b>" in oldest.description or "trou" in oldest.description
    assert found.feed.language == "fr" and newest.published_parsed[:3] == timezone.now().timetuple()[:3]


def test_the_feed_by_zone_topic_and_point(opened, client, town):
    north, south, drain = opened(), opened(lon=1.5), opened("blocked-drain", lon=1.5, lat=0.4)

    def codes(**asked) -> list[str]:
        return [
            e.link.rsplit("/", 1)[1]
            for e in feedparser.parse(client.get(reverse("reports-feed"), asked).content).entries
        ]

    assert codes(zone=town.south.pk) == [drain.code, south.code]
    assert codes(zone=town.whole.pk, topic="pothole") == [south.code, north.code]
    assert codes(near="0.5,1.5", radius=5000) == [south.code]
    assert codes(near="0.5,1.5", radius=999999) == [south.code]  # 10 km at most; the drain is 11 km away
    assert codes(near="rubbish\0", radius="-1", zone="x", topic="'") == [drain.code, south.code, north.code]


def test_the_feed_hides_what_is_hidden(opened, client):
    shown, hidden, private, merged = opened(), opened(), opened(), opened()
    cases.hide(hidden.pk, "x", by=SYSTEM)
    cases.Case.objects.filter(pk=private.pk).update(public=False)
    cases.merge(shown.pk, [merged.pk], by=SYSTEM)
    found = feedparser.parse(client.get(reverse("reports-feed")).content)
    assert [e.link.rsplit("/", 1)[1] for e in found.entries] == [shown.code]


def test_the_feed_is_not_sent_again_unchanged(opened, client):
    case = opened()
    url = reverse("reports-feed")
    first = client.get(url)
    etag, modified = first.headers["ETag"], first.headers["Last-Modified"]
    assert abs(parsedate_to_datetime(modified) - timezone.now()) < timedelta(minutes=1)
    assert client.get(url, headers={"if-none-match": etag}).status_code == 304
    assert client.get(url, headers={"if-modified-since": modified}).status_code == 304
    assert client.get(url, headers={"if-none-match": etag, "accept-language": "pt"}).status_code == 200
    cases.move(case.pk, "accept", by=SYSTEM)
    assert client.get(url, headers={"if-none-match": etag}).status_code == 200


def test_pages_name_their_feed(opened, client, town):
    opened()
    page = client.get(reverse("reports"), {"zone": town.north.pk, "topic": "pothole"}).content.decode()
    link = re.search(r'<link rel="alternate" type="application/rss\+xml"[^>]+href="([^"]+)"', page)[1].replace(
        "&amp;", "&"
    )
    assert f"zone={town.north.pk}" in link and "topic=pothole" in link
    assert feedparser.parse(client.get(link).content).entries


# On other sites, and in words


def test_only_the_embedded_map_may_be_framed(opened, client, town):
    here, elsewhere = opened(), opened(lon=1.5)
    page = client.get(reverse("reports-embed"), {"zone": town.north.pk})
    assert "frame-ancestors *" in page.headers["Content-Security-Policy"] and "X-Frame-Options" not in page.headers
    body = page.content.decode()
    assert here.code in body and elsewhere.code not in body and "<base target" in body
    for other in (reverse("around"), reverse("reports-embed-code"), reverse("reports")):
        closed = client.get(other)
        assert "frame-ancestors 'none'" in closed.headers["Content-Security-Policy"]
        assert closed.headers["X-Frame-Options"] == "DENY"


def test_the_code_to_copy_is_safe(client, town):
    page = client.get(
        reverse("reports-embed-code"), {"zone": '"><script>alert(1)</script>', "topic": "pothole"}
    ).content.decode()
    assert "<script>alert" not in page and "&lt;iframe src=" in page
    assert "topic=pothole" in page


def test_districts_in_numbers(opened, client, town):
    for _n in range(3):
        opened()
    solved, old, private = opened(lon=1.5), opened(lon=1.5), opened(lon=1.5)
    for case in (solved, old):
        cases.move(case.pk, "solve", by=SYSTEM)
    cases.Case.objects.filter(pk=old.pk).update(closed=timezone.now() - timedelta(days=91))
    cases.Case.objects.filter(pk=private.pk).update(public=False)
    page = client.get(reverse("reports-districts"), headers={"accept-language": "en"}).content.decode()
    rows = [[int(n) for n in re.findall(r'<td class="number"[^>]*>(\d+)</td>', row)] for row in page.split("<tr>")[2:]]
    assert rows == [[3, 0], [0, 1]]


def test_a_point_keeps_its_alert_apart(told):
    assert told(lon=0.5, lat=0.5).point == Point(0.5, 0.5, srid=4326)
