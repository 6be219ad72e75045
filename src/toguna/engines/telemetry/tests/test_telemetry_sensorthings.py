"""OGC SensorThings 1.1, as a program that knows nothing of us would use it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.doors.sensorthings import entities, views
from toguna.engines.telemetry.history import files
from toguna.engines.telemetry.models import Device, Quantity
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.engines.telemetry.tests.test_telemetry_doors import post
from toguna.kernel.access import SYSTEM

ROOT = "/sensorthings/v1.1"


@pytest.fixture
def town(device):
    gauge = device("gauge-1", "http", name="Rain gauge", public=True, lat=12.65, lon=-8.0)
    truck = device("356307042441013", "tcp", kind="tracker")
    say(gauge, [{"at": NOW - 600 + n * 60, "rain": n, "level": n / 10, "lat": 12.65, "lon": -8.0} for n in range(10)])
    say(truck, {"at": NOW, "lat": 12.6, "lon": -8.0, "fuel": 30}, proof="door")
    return gauge, truck


def get(client, path, **query):
    answer = client.get(f"{ROOT}{path}", query)
    return answer.json() if answer.status_code == 200 else answer.status_code


def test_what_is_public_is_read_by_links_alone(town):
    web = Client()
    sets = {one["name"]: one["url"] for one in get(web, "")["value"]}
    assert set(sets) == {
        "Things",
        "Locations",
        "HistoricalLocations",
        "Datastreams",
        "Sensors",
        "ObservedProperties",
        "Observations",
        "FeaturesOfInterest",
    }
    for url in sets.values():
        answer = web.get(url)
        assert answer.status_code == 200 and answer.json()["value"]
        for one in answer.json()["value"][:2]:
            assert web.get(one["@iot.selfLink"]).json()["@iot.id"] == one["@iot.id"], one
            for name, link in one.items():
                if name.endswith("@iot.navigationLink"):
                    assert web.get(link).status_code == 200, link
    things = get(web, "/Things", **{"$count": "true"})
    assert things["@iot.count"] == 1 and things["value"][0]["name"] == "Rain gauge"


def test_options(town, hire):
    gauge, truck = town
    web = Client()
    streams = get(web, f"/Things({gauge.pk})/Datastreams", **{"$orderby": "name desc"})["value"]
    rain = next(one for one in streams if one["properties"]["quantity"] == "rain")
    assert rain["unitOfMeasurement"]["symbol"] == "mm" and len(streams) == 2
    path = f"/Datastreams('{rain['@iot.id']}')/Observations"
    page = get(web, path, **{"$top": "3", "$skip": "1", "$count": "true", "$orderby": "phenomenonTime asc"})
    assert [one["result"] for one in page["value"]] == [1, 2, 3] and page["@iot.count"] == 10
    assert [one["result"] for one in web.get(page["@iot.nextLink"]).json()["value"]] == [4, 5, 6]
    since = datetime.fromtimestamp(NOW - 600 + 300, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert [
        one["result"] for one in get(web, path, **{"$filter": f"phenomenonTime gt {since} and result lt 9"})["value"]
    ] == [8, 7, 6]
    deep = get(
        web, f"/Things({gauge.pk})", **{"$expand": "Datastreams($select=name;$expand=Observations($top=1)),Locations"}
    )
    assert deep["Locations"][0]["location"]["coordinates"] == [-8.0, 12.65]
    assert {one["Observations"][0]["result"] for one in deep["Datastreams"]} == {9, 0.9}
    assert get(web, f"/Observations('{page['value'][0]['@iot.id']}')/Datastream/Thing")["name"] == "Rain gauge"
    assert get(web, "/Things", **{"$filter": "name eq 'nothing'"})["value"] == []
    for query in (
        {"$top": "x"},
        {"$filter": "1=1; DROP TABLE"},
        {"$orderby": "result"},
        {"$expand": "Moons"},
        {"$apply": "x"},
        {"$filter": "secret eq 1"},
    ):
        assert get(web, "/Things", **query) == 400, query
    for path in (
        "/Moons",
        "/Things(999)",
        f"/Things({truck.pk})",
        f"/Things({truck.pk})/Datastreams",
        f"/Datastreams('{truck.pk}-17')/Observations",
    ):
        assert get(web, path) == 404, path
    assert get(web, "/Things(x)") == 400 and web.delete(f"{ROOT}/Things(1)").status_code == 405
    assert get(hire("agent"), f"/Things({truck.pk})/Datastreams")["value"]


def test_observations_are_posted_with_the_key_of_the_device(town):
    gauge, _truck = town
    web, key = Client(), register.key_of(gauge)
    stream = next(
        one for one in get(web, f"/Things({gauge.pk})/Datastreams")["value"] if one["properties"]["quantity"] == "level"
    )
    said = {
        "result": 7.5,
        "phenomenonTime": datetime.fromtimestamp(NOW, UTC).isoformat(),
        "Datastream": {"@iot.id": stream["@iot.id"]},
    }
    assert post(web, f"{ROOT}/Observations", said, "wrong").status_code == 401
    made = post(web, f"{ROOT}/Observations", said, key)
    assert made.status_code == 201 and web.get(made["Location"]).json()["result"] == 7.5
    del said["Datastream"]
    assert (
        post(
            web,
            f"{ROOT}/Datastreams('{stream['@iot.id']}')/Observations",
            {**said, "result": 8, "phenomenonTime": NOW + 1},
            key,
        ).status_code
        == 201
    )
    for wrong in ({"result": "x"}, {"phenomenonTime": "then"}, {"Datastream": {"@iot.id": "1-999"}}):
        assert (
            post(
                web, f"{ROOT}/Observations", {"Datastream": {"@iot.id": stream["@iot.id"]}, **said, **wrong}, key
            ).status_code
            == 400
        )
    assert post(web, f"{ROOT}/Things", {"name": "x"}, key).status_code == 405
    # Without a time, it is of now; what nobody believes was not made.
    now = post(web, f"{ROOT}/Observations", {"result": 3, "Datastream": {"@iot.id": stream["@iot.id"]}}, key)
    made = web.get(now["Location"]).json()
    assert now.status_code == 201 and made["result"] == 3 and made["@iot.selfLink"] == now.json()["@iot.selfLink"]
    wild = post(web, f"{ROOT}/Observations", {**said, "result": 1e6, "Datastream": {"@iot.id": stream["@iot.id"]}}, key)
    assert wild.status_code == 400 and "not believed" in wild.json()["message"]


def stream_of(web, gauge, quantity: str) -> str:
    streams = get(web, f"/Things({gauge.pk})/Datastreams")["value"]
    return next(one["@iot.id"] for one in streams if one["properties"]["quantity"] == quantity)


def iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def rows() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM telemetry_reading")
        return cursor.fetchone()[0]


def test_a_data_array_is_posted_and_read(town, device):
    """As FROST's documentation shows it; through the checks of a single Observation."""
    gauge, _truck = town
    other = device("gauge-2", "http", public=True, lat=12.65, lon=-8.0)
    say(other, {"at": NOW - 60, "rain": 1})
    web, key = Client(), register.key_of(gauge)
    rain, level, others = stream_of(web, gauge, "rain"), stream_of(web, gauge, "level"), stream_of(web, other, "rain")
    said = [
        {
            "Datastream": {"@iot.id": rain}, "components": ["phenomenonTime", "result", "FeatureOfInterest/id"], "dataArray@iot.count": 2,
            "dataArray": [[iso(NOW), 20, 1], [iso(NOW + 1), 30, 1]],
        },
        {"Datastream": {"@iot.id": level}, "components": ["result", "phenomenonTime"], "dataArray": [[6.5, iso(NOW)]]},
    ]  # fmt: skip
    before = rows()
    assert post(web, f"{ROOT}/CreateObservations", said, "wrong").status_code == 401 and rows() == before
    with CaptureQueriesContext(connection) as captured:
        made = post(web, f"{ROOT}/CreateObservations", said, key)
    assert made.status_code == 201 and [web.get(link).json()["result"] for link in made.json()] == [20, 30, 6.5]
    assert rows() == before + 3 and len(captured) < 40
    # Sent again, it is there already; of a row that is not believed, that is another's, or that cannot be read, "error" is said in its place.
    bad = {"Datastream": {"@iot.id": rain}, "components": ["phenomenonTime", "result"]}
    bad["dataArray"] = [[iso(NOW), 21], [iso(NOW + 2), 1e9], [iso(NOW + 3), "x"], [iso(NOW + 4)], [iso(NOW + 5), 5]]
    foreign = {
        "Datastream": {"@iot.id": others},
        "components": ["phenomenonTime", "result"],
        "dataArray": [[iso(NOW), 7]],
    }
    again = post(web, f"{ROOT}/CreateObservations", [*said, bad, foreign], key).json()
    assert again[:3] == made.json() and again[3:7] == ["error"] * 4 and again[8] == "error"
    assert web.get(again[7]).json()["result"] == 5 and rows() == before + 4
    for wrong in (
        {"result": 1},
        [{"components": ["result"], "dataArray": [[1]]}],
        [{"Datastream": {"@iot.id": rain}, "components": ["phenomenonTime"], "dataArray": [[iso(NOW)]]}],
        [{"Datastream": {"@iot.id": "999-1"}, "components": ["result"], "dataArray": [[1]]}],
        [{"Datastream": {"@iot.id": rain}, "components": ["result"], "dataArray": [[1]] * 5001}],
    ):
        assert post(web, f"{ROOT}/CreateObservations", wrong, key).status_code == 400, wrong
    assert post(web, f"{ROOT}/CreateObservations", [], key).json() == []
    Device.objects.filter(pk=gauge.pk).update(state=Device.State.WAITING)
    kept = [
        {"Datastream": {"@iot.id": rain}, "components": ["phenomenonTime", "result"], "dataArray": [[iso(NOW + 6), 5]]}
    ]
    assert post(web, f"{ROOT}/CreateObservations", kept, key).json() == ["error"] and rows() == before + 4
    # Read, the same way.
    query = {"$resultFormat": "dataArray", "$orderby": "phenomenonTime desc", "$top": "2"}
    page = get(web, f"/Datastreams('{rain}')/Observations", **query)
    (one,) = page["value"]
    assert one["Datastream@iot.navigationLink"].endswith(f"/Datastreams('{rain}')") and one["dataArray@iot.count"] == 2
    assert one["components"][0] == "id" and "$resultFormat=dataArray" in page["@iot.nextLink"].replace("%24", "$")
    assert [row[one["components"].index("result")] for row in one["dataArray"]] == [5, 30]
    some = get(web, "/Observations", **{"$resultFormat": "dataArray", "$select": "result,id", "$top": "1000"})["value"]
    assert {one["Datastream@iot.navigationLink"].split("'")[1] for one in some} == {rain, level, others}
    assert all(one["components"] == ["id", "result"] and len(one["dataArray"][0]) == 2 for one in some)
    for path in ("/Things", f"/Datastreams('{rain}')", "/Observations/$ref"):
        assert get(web, path, **{"$resultFormat": "dataArray"}) == 400, path
    assert get(web, "/Observations", **{"$resultFormat": "CSV"}) == 400


def test_a_batch_is_so_many_requests(town, device):
    """As FROST's documentation shows it: each answered as if it had come alone; a gateway shows the key of each device."""
    gauge, _truck = town
    other = device("gauge-2", "http", public=True, lat=12.65, lon=-8.0)
    say(other, {"at": NOW - 60, "rain": 1})
    web = Client()
    rain, others = stream_of(web, gauge, "rain"), stream_of(web, other, "rain")
    body = {"result": 4, "phenomenonTime": iso(NOW), "Datastream": {"@iot.id": rain}}
    theirs = {"result": 5, "phenomenonTime": iso(NOW), "Datastream": {"@iot.id": others}}
    own = {"Authorization": f"Bearer {register.key_of(other)}"}
    array = [
        {"Datastream": {"@iot.id": rain}, "components": ["phenomenonTime", "result"], "dataArray": [[iso(NOW + 1), 8]]}
    ]
    asked = [
        {"id": "0", "method": "get", "url": f"Things({gauge.pk})?$select=name"},
        {"id": "1", "method": "post", "url": "Observations", "body": body},
        {"id": "2", "method": "POST", "url": f"http://testserver{ROOT}/Observations", "body": theirs, "headers": own},
        {"id": "3", "method": "post", "url": "Observations", "body": {**theirs, "result": 6}},
        {"id": "4", "method": "post", "url": "CreateObservations", "body": array},
        {"id": "5", "method": "get", "url": f"{ROOT}/Datastreams('{rain}')/Observations?$top=1&$orderby=phenomenonTime%20desc"},
        {"id": "6", "method": "get", "url": "Things(999)"},
        {"id": "7", "method": "patch", "url": f"Things({gauge.pk})", "body": {"name": "x"}},
        {"id": "8", "atomicityGroup": "group1", "method": "post", "url": "Observations", "body": {**body, "result": 9}},
        {"id": "9", "method": "post", "url": "$batch", "body": {"requests": []}},
        {"id": "10", "method": "get", "url": "Things?$top=x"},
    ]  # fmt: skip
    before = rows()
    answer = post(web, f"{ROOT}/$batch", {"requests": asked}, register.key_of(gauge))
    said = {one["id"]: one for one in answer.json()["responses"]}
    assert answer.status_code == 200 and [one["id"] for one in answer.json()["responses"]] == [
        one["id"] for one in asked
    ]
    assert [said[one["id"]]["status"] for one in asked] == [200, 201, 201, 401, 201, 200, 404, 405, 501, 404, 400]
    assert said["0"]["body"] == {"name": "Rain gauge"} and said["5"]["body"]["value"][0]["result"] == 8
    assert web.get(said["1"]["location"]).json()["result"] == 4 and web.get(said["2"]["location"]).json()["result"] == 5
    assert web.get(said["4"]["body"][0]).json()["result"] == 8 and rows() == before + 3
    for wrong in ({}, [], {"requests": [1]}, {"requests": [asked[0]] * 101}, b"{"):
        assert post(web, f"{ROOT}/$batch", wrong).status_code == 400, wrong
    assert web.post(f"{ROOT}/$batch", b"--x", content_type="multipart/mixed; boundary=x").status_code == 415
    # All together read no more than one request may.
    many = [{"id": str(n), "method": "get", "url": f"Datastreams('{rain}')/Observations"} for n in range(3)]
    with pytest.MonkeyPatch.context() as less:
        less.setattr(entities, "MOST_SHOWN", 20)
        answer = post(web, f"{ROOT}/$batch", {"requests": many}).json()["responses"]
    assert [one["status"] for one in answer] == [200, 400, 400]
    conforms = get(web, "")["serverSettings"]["conformance"]
    assert any(one.endswith("/data-array") for one in conforms) and any("JsonBatchRequest" in one for one in conforms)


@pytest.fixture
def several(device):
    """Ten public gauges, two of them with a second quantity: ids of one and of two figures."""
    found = [device(f"gauge-{n}", name=f"Gauge {n}", public=True, lat=12.65 + n / 100, lon=-8.0) for n in range(12)]
    for n, one in enumerate(found):
        more = {"level": n / 2} if n < 2 else {}
        say(
            one,
            [{"at": NOW - 3600 + m * 60, "rain": n * 10 + m, **more} for m in range(3)],
        )
    return found


FILTERS = [
    ("/Things", "name eq 'Gauge 3' or name eq 'Gauge 4'", ["Gauge 3", "Gauge 4"]),
    ("/Things", "not (startswith(name,'Gauge 1') or endswith(name, '2')) and substringof('Gauge',name) and name ne 'Gauge 0' and properties/kind eq 'sensor' and properties/code ne 'gauge-3'",
     [f"Gauge {n}" for n in (3, 4, 5, 6, 7, 8, 9)]),
    ("/Things", "length(name) gt 7 and tolower(concat(trim(name),'!')) eq 'gauge 11!'", ["Gauge 11"]),
    ("/Things", "Datastreams/properties/quantity eq 'level'", ["Gauge 0", "Gauge 1"]),
    ("/Things", "Datastreams/ObservedProperty/properties/quantity eq 'level' and indexof(name,'1') eq 6", ["Gauge 1"]),
    ("/Things", "st_within(Locations/location, geography'POLYGON((-8.1 12.645,-7.9 12.645,-7.9 12.675,-8.1 12.675,-8.1 12.645))')",
     ["Gauge 0", "Gauge 1", "Gauge 2"]),
    ("/Locations", "geo.distance(location, geography'POINT(-8 12.76)') lt 0.015", ["Gauge 10", "Gauge 11"]),
    ("/Things", "Datastreams/phenomenonTime gt now() sub duration'PT30M'", []),
    ("/Things", "year(Datastreams/phenomenonTime) gt 2000 and substring(name,6) eq '5'", ["Gauge 5"]),
    ("/Things", "name eq 'it''s'", []),
]  # fmt: skip


def test_what_a_filter_understands(several):
    for path, where, expected in FILTERS:
        rows = get(Client(), path, **{"$filter": where, "$orderby": "id"})["value"]
        assert [row["name"] for row in rows] == expected, where


OF_OBSERVATIONS = [
    ("result gt 110 or result eq 2", [2, 111, 112]),
    ("not result lt 112", [112]),
    ("result mod 10 eq 1 and result div 10 lt 3", [1, 11, 21]),
    ("(result add 5) mul 2 sub 10 eq 204", [102]),
    ("Datastream/Thing/name eq 'Gauge 7'", [70, 71, 72]),
    ("Datastream/properties/quantity eq 'level' and result gt 0", [0.5, 0.5, 0.5]),
    ("FeatureOfInterest/name eq 'Gauge 9' and round(result div 4) eq 23", [90, 91, 92]),
    ("phenomenonTime ge now() sub duration'PT1H' and result lt 0", []),
    ("minute(phenomenonTime) ge 0 and date(phenomenonTime) le date(now()) and result eq 50", [50]),
    ("result div 0 eq 1", []),
]  # fmt: skip


def test_what_a_filter_of_observations_understands(several):
    for where, expected in OF_OBSERVATIONS:
        only = "" if "level" in where else "(Datastream/properties/quantity eq 'rain') and "
        found = get(
            Client(), "/Observations", **{"$filter": f"{only}({where})", "$orderby": "result", "$count": "true"}
        )
        assert [row["result"] for row in found["value"]] == expected and found["@iot.count"] == len(expected), where


NO_FILTERS = [
    "name eq", "name eq 'x' and", "(name eq 'x'", "name eq 'x')", "name eq 'x' 'y'", "moon(name) eq 1", "length() eq 1", "secret eq 1",
    "((" * 30, "result gt 1", "Observations/result gt 1", "Datastreams eq 1", "geometry'POINT(1)' eq 1", "duration'P1Y' gt 1", "name eq \"x\"",
]  # fmt: skip
NONE_OF_OBSERVATIONS = [
    "result", "result eq 'x'", "name eq 'x'", "result mul 1e308 mul 1e308 gt 1", "tolower(result) eq 'x'", "phenomenonTime gt 5", "id gt '1'",
]  # fmt: skip


def test_what_a_filter_does_not_understand(several):
    for where in NO_FILTERS:
        assert get(Client(), "/Things", **{"$filter": where}) == 400, where
    for where in NONE_OF_OBSERVATIONS:
        assert get(Client(), "/Observations", **{"$filter": where}) == 400, where
    assert get(Client(), "/Things", **{"$filter": "name"})["value"] == []


def test_paths_to_properties_references_pages_and_selections(several):
    web, first = Client(), several[0]
    assert get(web, f"/Things({first.pk})/name") == {"name": "Gauge 0"}
    plain = web.get(f"{ROOT}/Things({first.pk})/name/$value")
    assert plain.content == b"Gauge 0" and plain["Content-Type"].startswith("text/plain")
    assert get(web, f"/Things({first.pk})/properties/$value")["kind"] == "sensor"
    stream = get(web, f"/Things({first.pk})/Datastreams")["value"][0]["@iot.id"]
    assert get(web, f"/Datastreams('{stream}')/Thing/name") == {"name": "Gauge 0"}
    links = get(web, f"/Things({first.pk})/Datastreams/$ref", **{"$top": "1"})
    assert [list(one) for one in links["value"]] == [["@iot.selfLink"]] and "/Datastreams/$ref?" in links[
        "@iot.nextLink"
    ]
    assert web.get(links["value"][0]["@iot.selfLink"]).status_code == 200
    for path in (
        "/Things/name",
        f"/Things({first.pk})/moon",
        f"/Things({first.pk})/$value",
        "/Things/$value",
        f"/Things({first.pk})/name/$ref",
    ):
        assert get(web, path) == 404, path
    # Ids as numbers; pages by their links alone; what is selected and nothing else; pages of what is expanded.
    seen, page = [], get(web, "/Things", **{"$orderby": "id desc", "$top": "5", "$select": "id,name"})
    while True:
        assert all(set(row) == {"@iot.id", "name"} for row in page["value"])
        seen += [row["@iot.id"] for row in page["value"]]
        if "@iot.nextLink" not in page:
            break
        page = web.get(page["@iot.nextLink"]).json()
    assert seen == sorted((one.pk for one in several), reverse=True)
    only = {"$filter": f"Thing/id eq {first.pk} and properties/quantity eq 'rain'"}
    inner = "Observations($top=2;$count=true;$orderby=phenomenonTime asc)"
    (deep,) = get(web, "/Datastreams", **only, **{"$expand": inner})["value"]
    rest = web.get(deep["Observations@iot.nextLink"]).json()["value"]
    assert deep["Observations@iot.count"] == 3 and [row["result"] for row in [*deep["Observations"], *rest]] == [
        0,
        1,
        2,
    ]
    by_thing = get(web, "/Datastreams", **{"$orderby": "Thing/id desc", "$top": "1"})["value"][0]
    assert by_thing["@iot.id"].startswith(f"{several[-1].pk}-")
    assert get(web, "/Things", **{"$select": "moon"}) == 400


def test_observations_of_days_that_are_in_files_are_served_as_before(town, monkeypatch, tmp_path):
    """The same answers, link by link, before the days left the tables and after; what comes late for them is among them, once."""
    monkeypatch.setattr(files, "folder", lambda: tmp_path / "archive")
    gauge, truck = town
    old = NOW // 86400 * 86400 - 50 * 86400
    said = [
        {"at": old + n * 3600, "seq": n, "rain": n % 5, "level": n / 10, "lat": 12.65, "lon": -8.0} for n in range(60)
    ]
    say(gauge, said)
    quantity = Quantity.objects.get(code="rain").pk
    stream, web = f"/Datastreams('{gauge.pk}-{quantity}')", Client()

    def moment(seconds: float) -> str:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")

    def ends(at: float) -> str:
        return f"phenomenonTime ge {moment(old)} and phenomenonTime lt {moment(at)}"

    asked = [
        {"$filter": ends(old + 40 * 3600), "$count": "true", "$top": "1000"},
        {"$filter": f"{ends(old + 50 * 3600)} and result gt 2", "$orderby": "result asc,phenomenonTime asc", "$top": "7", "$skip": "3"},
        {"$filter": f"{moment(old + 7200)} lt resultTime", "$orderby": "phenomenonTime asc", "$count": "true"},
        {"$filter": f"phenomenonTime eq {moment(old + 7200)}"},
        {"$filter": f"day(phenomenonTime) eq {datetime.fromtimestamp(old, UTC).day} and {ends(NOW)}"},
        {"$filter": f"{ends(old)} or result gt 3", "$count": "true"},
    ]  # fmt: skip
    one = f"/Observations('{gauge.pk}-{quantity}-{(old + 3600) * 1_000_000}-1')"

    def answers(asked):
        first = [get(web, f"{stream}/Observations", **query) for query in asked]
        pages, page = [], get(web, f"{stream}/Observations", **{"$filter": ends(NOW), "$top": "25"})
        while page["value"]:
            pages += [row["@iot.id"] for row in page["value"]]
            page = web.get(page["@iot.nextLink"]).json() if "@iot.nextLink" in page else {"value": []}
        inner = get(web, stream, **{"$expand": f"Observations($filter={ends(old + 9 * 3600)};$top=4)"})
        return first, pages, inner, get(web, one), get(web, f"{one}/result")

    before = answers(asked[:5])
    assert [len(page["value"]) for page in before[0]] == [40, 7, 67, 1, 24]
    assert len(before[1]) == len(set(before[1])) == 70
    assert before[3]["result"] == 1 and before[4] == {"result": 1}
    files.put_away()
    assert answers(asked[:5]) == before
    say(gauge, [*said[:3], {"at": old + 30, "seq": 100, "rain": 4}])
    assert get(web, f"{stream}/Observations", **asked[0])["@iot.count"] == 41
    # No time that all must have: of the tables alone, with what came late.
    assert get(web, f"{stream}/Observations", **asked[5])["@iot.count"] == 7
    fuel = Quantity.objects.get(code="fuel").pk
    assert get(web, f"/Datastreams('{truck.pk}-{fuel}')/Observations", **asked[0]) == 404
    for most, value in (("MOST_FILES", 2), ("MOST_OLD", 30)):
        monkeypatch.setattr(entities, most, value)
        answer = web.get(f"{ROOT}{stream}/Observations", asked[0] if most == "MOST_OLD" else asked[2])
        assert answer.status_code == 400 and "phenomenonTime ge and lt" in answer.json()["message"]


def test_expanding_without_end_is_refused_and_what_many_point_to_is_read_once(town, monkeypatch):
    web = Client()
    deep = "Datastream($expand=Observations($top=1000;$expand=Datastream))"
    with CaptureQueriesContext(connection) as asked:
        answer = web.get(f"{ROOT}/Observations", {"$top": "20", "$expand": deep})
    assert answer.status_code == 200 and len(asked) < 25  # the twenty are of two Datastreams
    assert answer.json()["value"][0]["Datastream"]["Observations"][0]["Datastream"]["@iot.id"]
    monkeypatch.setattr(entities, "MOST_SHOWN", 100)
    answer = web.get(f"{ROOT}/Observations", {"$top": "1000", "$expand": deep})
    assert answer.status_code == 400 and "$top" in answer.json()["message"]
    monkeypatch.setattr(entities, "MOST_LISTS", 2)
    assert web.get(f"{ROOT}/Observations", {"$top": "1", "$expand": "Datastream,FeatureOfInterest"}).status_code == 200
    answer = web.get(f"{ROOT}/Observations", {"$top": "20", "$expand": "Datastream,FeatureOfInterest"})
    assert answer.status_code == 400 and "$expand" in answer.json()["message"]


def test_one_caller_does_not_ask_without_end(town, monkeypatch):
    monkeypatch.setattr(views, "PER_CALLER", 2)
    web = Client()
    assert [web.get(f"{ROOT}/Things").status_code for _n in range(3)] == [200, 200, 429]
    assert web.get(f"{ROOT}/Things", REMOTE_ADDR="198.51.100.7").status_code == 200


def test_what_is_public_says_neither_how_it_proves_itself_nor_where_it_is_now(town, hire):
    gauge, truck = town
    say(gauge, {"at": NOW, "seq": 99, "rain": 3, "lat": 12.66, "lon": -8.01})
    Device.objects.filter(pk=truck.pk).update(public=True)  # as before this was refused
    web, agent = Client(), hire("agent")
    for name in entities.KINDS:
        said = web.get(f"{ROOT}/{name}").content.decode()
        assert gauge.code not in said and truck.code not in said and "12.66" not in said and "12.6," not in said, name
    assert gauge.code in agent.get(f"{ROOT}/Sensors").content.decode()
    assert "12.66" in agent.get(f"{ROOT}/Locations").content.decode()
    for kind in ("tracker", "phone"):
        with pytest.raises(ValidationError, match="nobody else's"):
            register.register_device("x-1", "http", register.Told(kind=kind, public=True), by=SYSTEM)
    said = {"code": "x-1", "name": "x", "kind": "phone", "door": "phone", "fastest": "160", "public": "on"}
    answer = hire("manager").post("/desk/devices/new", said)
    assert answer.status_code == 422 and "What moves" in answer.content.decode()
