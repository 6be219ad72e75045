"""The API: the same report, safe to repeat, and the rules of the back office for staff."""

from __future__ import annotations

import itertools
import json
import uuid
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from toguna.engines.cases.api import Case, Photo, Topic

URL = "/api/v1/reports"
POTHOLE = {"category": "pothole", "text": "Un trou", "lon": 0.5, "lat": 0.5}


def post(client, body, url=URL, **headers):
    return client.post(url, json.dumps(body), content_type="application/json", headers=headers)


def test_categories(client, town):
    found = client.get(f"{URL}/categories?lang=pt").json()
    assert len(found) == Topic.objects.count() == 20
    assert next(c for c in found if c["slug"] == "pothole")["name"] == "Buraco na estrada"


def test_a_report_and_its_replay(client, town):
    body = {**POTHOLE, "client_id": str(uuid.uuid4()), "phone": "70 00 00 01", "name": "Awa"}
    first, again = post(client, body), post(client, body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["code"] == again.json()["code"] and not again.json()["new"]
    case = Case.objects.get()
    assert (case.channel, case.team, case.zone) == ("api", town.roads, town.north)
    key = str(uuid.uuid4())
    assert post(client, POTHOLE, idempotency_key=key).status_code == 201
    assert post(client, POTHOLE, idempotency_key=key).status_code == 200
    assert Case.objects.count() == 2


@pytest.mark.parametrize(
    "change",
    [
        {"category": "nope"}, {"text": ""}, {"text": "x" * 5000}, {"lon": None}, {"lat": 95}, {"lon": 50}, {"district": 12345},
        {"phone": "12"}, {"email": "no"}, {"client_id": "no"}, {"lon": "NaN"},
    ],
)  # fmt: skip
def test_what_cannot_be_taken_is_said(client, town, change):
    response = post(client, {**POTHOLE, **change})
    assert response.status_code == 422 and response.json()["detail"]
    assert not Case.objects.exists()


def test_lists_pages_and_geojson(client, opened, town):
    for n in range(55):
        opened(lon=0.01 + n / 60)
    opened("water-point", lon=1.5)
    first = client.get(f"{URL}?district={town.north.pk}").json()
    assert len(first["items"]) == 50
    rest = client.get(first["next"].removeprefix("http://127.0.0.1:8000")).json()
    assert len(rest["items"]) == 5 and rest["next"] is None
    collection = client.get(f"{URL}?format=geojson&category=water-point")
    assert collection["Content-Type"] == "application/geo+json"
    (feature,) = collection.json()["features"]
    assert feature["geometry"] == {"type": "Point", "coordinates": [1.5, 0.5]}
    assert feature["properties"]["category"] == "water-point"


def test_a_private_report_says_only_its_state(client, opened, town):
    Topic.objects.filter(slug="noise").update(public=False)
    town.topics["noise"].refresh_from_db()
    code = opened("noise", place="chez Moussa").code
    assert client.get(URL).json()["items"] == []
    one = client.get(f"{URL}/{code}").json()
    assert one["state"] == "received" and not one["text"] and not one["place"] and one["lon"] is None
    page = client.get(f"/reports/{code}").content.decode()
    assert "Moussa" not in page and "Un trou" not in page
    assert code not in client.get("/reports/").content.decode()


def test_photos_of_ones_own_report(client, town, picture):
    body = {**POTHOLE, "client_id": str(uuid.uuid4())}
    post(client, body)

    def send(data, client_id=body["client_id"]):
        return client.post(f"{URL}/{client_id}/photos", {"photo": SimpleUploadedFile("a.jpg", data)})

    assert send(picture).status_code == send(picture).status_code == 204
    assert Photo.objects.count() == 1
    assert send(b"no").status_code == 422
    assert send(picture, uuid.uuid4()).status_code == 404


def test_staff_act_under_the_same_rules(hire, opened, town, sign_in):
    case = opened()
    url = f"{URL}/{case.code}/actions"
    agent, elsewhere, reader = hire("agent", zone=town.north.pk), hire("agent", zone=town.south.pk), hire("reader")
    move = {"do": "move", "transition": "accept", "seen": "received"}
    assert post(Client(), move, url).status_code == 401
    assert post(hire("agent", factor=False), move, url).status_code == 401
    assert post(elsewhere, move, url).status_code == 404
    assert post(reader, move, url).status_code == 403
    assert post(agent, move, url).json()["state"] == "accepted"
    assert post(agent, move, url).status_code == 409
    assert post(agent, {"do": "move", "transition": "refuse"}, url).status_code == 422  # without a word of why
    assert post(agent, {"do": "note", "words": "secret"}, url).status_code == 200
    assert "secret" not in Client().get(f"{URL}/{case.code}").content.decode()
    strict = Client(enforce_csrf_checks=True)
    sign_in(strict, agent.account)
    assert post(strict, {"do": "reply", "words": "x"}, url).status_code == 403


def test_statements(client, town, opened, django_assert_max_num_queries):
    post(client, POTHOLE)
    with django_assert_max_num_queries(20):
        assert post(client, {**POTHOLE, "phone": "70000001"}).status_code == 201
    for n in range(20):
        opened(lon=0.1 + n / 100)
    with django_assert_max_num_queries(4):
        client.get(URL)


def test_the_description_of_the_api_names_every_operation(client):
    paths = client.get("/api/v1/openapi.json").json()["paths"]
    assert {p for p in paths if "reports" in p} == {
        URL, f"{URL}/categories", f"{URL}/{{code}}", f"{URL}/{{client_id}}/photos", f"{URL}/{{code}}/actions", f"{URL}/{{code}}/support",
    }  # fmt: skip


@pytest.fixture
def peer(town, live_server, monkeypatch):
    # The client was written for Python 2: this one name is all that it lacks on ours.
    monkeypatch.setattr(itertools, "ifilter", filter, raising=False)
    import three

    return three.Three(f"{live_server.url}/open311/v2/")


@pytest.mark.django_db(transaction=True)
def test_open311_with_an_independent_client(peer, town, live_server, hire):
    import requests

    assert peer.discovery()["endpoints"][0]["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert "pothole" in {s["service_code"] for s in peer.services()}
    assert peer.services("pothole")["service_code"] == "pothole"
    made = peer.post("pothole", lat="0.5", long="0.5", description="Un trou 🕳️", phone="70000001", name="Awa Traoré")
    code = made[0]["service_request_id"]
    case = Case.objects.get(code=code)
    assert (case.team, case.text, case.reporter.name) == (town.roads, "Un trou 🕳️", "Awa Traoré")
    (seen,) = peer.request(code)
    assert (seen["status"], seen["service_code"], seen["lat"], seen["long"]) == ("open", "pothole", 0.5, 0.5)
    assert "Awa" not in json.dumps(seen)
    from toguna.engines.cases import api as cases
    from toguna.kernel.access import SYSTEM

    cases.move(case.pk, "solve", by=SYSTEM, words="Rebouché")
    (closed,) = peer.requests(status="closed")
    assert closed["status_notes"] == "Rebouché"
    assert peer.requests(status="open") == []
    assert peer.requests("water-point") == []
    by_name = peer.post("pothole", address="au marché, quartier Sud", description="Un autre")
    assert Case.objects.get(code=by_name[0]["service_request_id"]).zone == town.south
    problem = peer.post("nope", description="x")
    assert problem[0]["code"] == 404 and problem[0]["description"]
    xml = requests.get(f"{live_server.url}/open311/v2/requests.xml", timeout=60)
    assert xml.headers["Content-Type"].startswith("text/xml")
    from defusedxml.ElementTree import fromstring

    root = fromstring(xml.content)
    assert root.tag == "service_requests" and {e.tag for e in root} == {"request"}
    assert {e.findtext("service_request_id") for e in root} == set(Case.objects.values_list("code", flat=True))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400), ({"service_code": "nope", "description": "x"}, 404), ({"service_code": "pothole"}, 400),
        ({"service_code": "pothole", "description": "x"}, 400),
        ({"service_code": "pothole", "description": "x", "lat": "a", "long": "b"}, 400),
        ({"service_code": "pothole", "description": "x", "lat": "50", "long": "50"}, 400),
        ({"service_code": "pothole", "description": "x", "lat": "nan", "long": "inf"}, 400),
        ({"service_code": "pothole", "description": "x", "lat": "0.5", "long": "0.5", "phone": "x"}, 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("format", ["json", "xml"])
def test_open311_says_what_is_wrong(client, town, body, status, format):
    response = client.post(f"/open311/v2/requests.{format}", body)
    assert response.status_code == status
    if format == "json":
        assert response.json()[0]["code"] == status
    else:
        assert b"<errors><error><code>" in response.content
    assert not Case.objects.exists()


@pytest.mark.parametrize(
    ("query", "status"),
    [("start_date=nope", 400), ("status=nope", 400), ("start_date=2020-01-01T00:00:00Z&end_date=2026-01-01", 400),
     ("page=x&page_size=-3", 200), ("service_request_id=%00,zz", 200), ("start_date=2026-01-01T00:00:00 01:00", 200)],
)  # fmt: skip
def test_open311_queries(client, opened, query, status):
    opened()
    assert client.get(f"/open311/v2/requests.json?{query}").status_code == status


def test_open311_default_period_is_ninety_days(client, opened):
    old, new = opened(), opened()
    Case.objects.filter(pk=old.pk).update(created=old.created - timedelta(days=91))
    assert [r["service_request_id"] for r in client.get("/open311/v2/requests.json").json()] == [new.code]


def test_open311_statements(client, opened, django_assert_max_num_queries):
    for n in range(30):
        opened(lon=0.1 + n / 100)
    with django_assert_max_num_queries(5):
        assert len(client.get("/open311/v2/requests.json").json()) == 30
