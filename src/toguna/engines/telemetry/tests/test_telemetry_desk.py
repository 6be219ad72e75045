"""The register, quarantine, alarms and rules at the desk, by forms alone."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import OperationalError, connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.engines.telemetry import api
from toguna.engines.telemetry.desk import devices, reading
from toguna.engines.telemetry.desk.forms import RuleForm
from toguna.engines.telemetry.devices import keys, register
from toguna.engines.telemetry.intake import draining
from toguna.engines.telemetry.models import Alarm, AlarmRule, Decoder, Device, Policy, Refused
from toguna.engines.telemetry.rules import actions, trying, watching
from toguna.engines.telemetry.tests.conftest import NOW, say
from toguna.engines.telemetry.tests.test_telemetry_doors import THINGS, post
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel.access import SYSTEM
from toguna.kernel.models import AuditEntry


def page(client, path, status=200, **more):
    answer = client.get(path, more)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


def test_how_long_it_is_kept(device, hire):
    device()
    head, address = hire("manager"), "/desk/devices/kept"
    assert address in page(head, "/desk/devices/") and 'value="1095"' in page(head, address)
    said = {
        "reading_raw_days": 1, "reading_file_days": 400, "reading_hour_days": 3650, "position_raw_days": 30, "position_file_days": 20,
    }  # fmt: skip
    refused = head.post(address, said)
    words = refused.content.decode()
    assert refused.status_code == 422 and "At least 2 days" in words and "Files are made of what leaves" in words
    assert head.post(address, said | {"reading_raw_days": 2, "position_file_days": 30}).status_code == 302
    assert set(Policy.objects.values_list("table", "raw_days", "file_days", "hour_days")) == {
        ("reading", 2, 400, 3650), ("position", 30, 30, 3650),
    }  # fmt: skip
    assert AuditEntry.objects.filter(action="telemetry.keep_for").exists()
    assert hire("agent").post(address, said).status_code == 403


def test_from_a_stranger_to_a_device_with_its_key(device, hire):
    head = hire("manager")
    say(Device(code="bin-77", door="http"), {"fill": 5}, proof="key:x")
    assert "bin-77" in page(head, "/desk/devices/quarantine")
    form = page(head, "/desk/devices/new", code="bin-77", door="http")
    assert 'value="bin-77"' in form
    wrong = head.post(
        "/desk/devices/new", {"code": "bin 77", "name": "x", "kind": "sensor", "door": "http", "fastest": "160"}
    )
    assert wrong.status_code == 422
    said = {
        "code": "bin-77",
        "name": "Bin of the market",
        "kind": "sensor",
        "door": "http",
        "fastest": "160",
        "service": "waste",
    }
    made = head.post("/desk/devices/new", said)
    row = Device.objects.get(code="bin-77")
    assert made.url == f"/desk/devices/{row.pk}/key" and register.key_of(row) in page(head, made.url)
    assert AuditEntry.objects.filter(action="telemetry.see_key").exists()
    assert head.post("/desk/devices/new", said).status_code == 422  # it is there already
    assert say(row, {"at": NOW, "fill": 71, "battery": 9}).rows == 2
    shown = page(head, f"/desk/devices/{row.pk}")
    assert "71" in shown and "Fill level" in shown
    assert "low" in page(head, "/desk/devices/") and "Bin of the market" in page(head, "/desk/devices/", q="market")
    assert head.post(f"/desk/devices/{row.pk}", {"do": "key"}).status_code == 302
    row.refresh_from_db()
    assert row.key_number == 2
    stranger = register.strangers()[0]
    head.post("/desk/devices/quarantine", {"do": "forget", "pk": stranger.pk})
    assert register.strangers() == []
    assert head.post(f"/desk/devices/{row.pk}/edit", {**said, "name": "Bin", "stays": "5"}).status_code == 422
    assert head.post(f"/desk/devices/{row.pk}/edit", {**said, "name": "Bin"}).status_code == 302
    agent = hire("agent")
    assert (
        agent.get(f"/desk/devices/{row.pk}/key").status_code == 403
        and agent.post(f"/desk/devices/{row.pk}", {"do": "retire"}).status_code == 403
    )


def test_one_that_was_retired_is_in_use_again_only_when_somebody_says_so(device, hire):
    one, head = device("bin-1", "http", name="Bin 1"), hire("manager")
    key, path = register.key_of(one), f"/desk/devices/{one.pk}"
    head.post(path, {"do": "retire"})
    said = {"name": "Bin 1", "kind": "sensor", "door": "http", "fastest": "160"}
    assert head.post(f"{path}/edit", {**said, "name": "Old bin"}).status_code == 302
    assert head.post(path, {"do": "accept"}).status_code == 302  # an old page: that is of quarantine
    register.register_device("bin-1", "http", register.Told(name="Old bin"), by=SYSTEM)  # as services save theirs
    one.refresh_from_db()
    assert (one.state, one.name) == ("retired", "Old bin")
    assert say(one, {"at": NOW, "fill": 1}).rows == 0
    shown = page(head, path)
    assert "Take it back" in shown and "Believe it again" not in shown
    assert head.post(path, {"do": "back"}).url == f"{path}/key"
    one.refresh_from_db()
    assert one.state == "active" and AuditEntry.objects.filter(action="telemetry.take_back").exists()
    assert say(one, {"at": NOW, "fill": 1}, proof=f"key:{key}").rows == 0 and say(one, {"at": NOW, "fill": 1}).rows == 1


AREA = MultiPolygon(Polygon.from_bbox((-8.0, 12.6, -7.9, 12.7)), srid=4326)


def test_the_key_of_network_servers_is_shown_to_who_manages_the_whole_town_and_renewed(device, hire):
    zone = Zone.objects.create(level=1, name="Rive", names={"en": "Rive"}, source="town:rive", geom=AREA)
    zones.forget()
    one = device("0004a30b001c0530", "lorawan", zone=zone.pk)
    head, path = hire("manager"), f"/desk/devices/{one.pk}/key"
    account = people.create_staff(
        email="zone@town.test",
        password="long enough to be one",
        name="Oumar",
        grants=[("manager", "telemetry", zone.pk)],
    )
    local = Client(headers={"accept-language": "en"})
    sign_in(local, account)
    old = keys.network(0)
    assert old in page(head, path) and old not in page(local, path) and "whole town" in page(local, path)
    assert local.post(path).status_code == 403 and head.post(path).url == path
    new = keys.network(1)
    assert (
        "no-store" in head.get(path)["Cache-Control"]
        and "no-store" in head.get(f"/desk/devices/{one.pk}/day")["Cache-Control"]
    )
    assert new in page(head, path) and AuditEntry.objects.filter(action="telemetry.new_network_key").exists()
    web, up = Client(), "/telemetry/lorawan/things-stack"
    assert post(web, up, THINGS, old).status_code == 401 and post(web, up, THINGS, new).json()["rows"] == 3
    with patch.object(register, "network_number", side_effect=OperationalError), patch.object(draining, "_drain", side_effect=OperationalError):  # fmt: skip
        for key in (old, new):
            assert post(web, up, THINGS, key).status_code == 202
    done = draining.drain()
    assert (done.rows + done.twice, done.refused) == (3, 1) and Refused.objects.get().reason == "key"


def test_a_decoder_is_tried_before_it_is_kept(device, hire):
    head = hire("manager")
    said = {
        "slug": "lid",
        "name": "Lid",
        "fields_": '[{"byte": 0, "size": 2, "quantity": "distance", "scale": 0.1}]',
        "sample": "01f4",
    }
    tried = head.post("/desk/devices/decoders/new", {**said, "do": "try"})
    assert "50" in tried.content.decode() and not Decoder.objects.exists()
    assert head.post("/desk/devices/decoders/new", {**said, "do": "save"}).status_code == 302
    assert (
        head.post("/desk/devices/decoders/lid", {**said, "fields_": '[{"byte": 0, "quantity": "moon"}]'}).status_code
        == 422
    )
    assert "Lid" in page(head, "/desk/devices/decoders")


def test_a_rule_is_tried_then_switched_on_and_its_alarm_dealt_with(device, hire):
    head = hire("manager")
    one = device("bin-1", "http", name="Bin 1")
    say(one, [{"at": NOW - 3600 + n * 600, "fill": value} for n, value in enumerate([50, 90, 60])])
    said = {
        "title": "Bin full",
        "level": "2",
        "condition": "threshold",
        "quantity": "fill",
        "above": "85",
        "clear": "70",
        "notify": "+22370000009, head@town.test",
    }
    assert head.post("/desk/devices/rules/new", {**said, "above": ""}).status_code == 422
    assert head.post("/desk/devices/rules/new", {**said, "notify": "nobody"}).status_code == 422
    made = head.post("/desk/devices/rules/new", said)
    row = AlarmRule.objects.get(declared=False)  # services declare theirs
    where = f"/desk/devices/rules/{row.name}"
    assert not row.on and made.url == f"{where}?try=1" and "raised 1 time" in page(head, made.url)
    assert "90&nbsp;%" in page(head, made.url)
    shown = page(head, where)  # what it would have done is read when somebody asks
    assert "It is for 1 device." in shown and 'href="?try=1"' in shown and "raised 1 time" not in shown
    assert 'value="85.0"' in page(head, f"{where}/edit")
    assert head.post(where, {"do": "on"}).status_code == 302
    say(one, {"at": NOW, "fill": 95})
    alarm = Alarm.objects.get()
    assert "Bin full" in page(head, "/desk/devices/alarms") and "– 95&nbsp;%" in page(head, "/desk/devices/alarms")
    assert "Alarms now" in page(head, "/desk/")
    agent = hire("agent")
    assert agent.post("/desk/devices/alarms", {"alarm": alarm.pk, "note": "A truck goes"}).status_code == 302
    assert "A truck goes" in page(head, "/desk/devices/alarms")
    night = {**said, "condition": "silence", "minutes": "60", "days": ["6", "7"], "start": "08:00", "end": "18:00"}
    assert head.post(f"/desk/devices/rules/{row.name}/edit", night).status_code == 302
    row.refresh_from_db()
    assert (
        row.spec["kind"] == "during"
        and row.spec["of"] == {"kind": "silence", "minutes": 60.0}
        and not Alarm.objects.filter(cleared=None)
    )
    # The calendar, typed as people write dates, and shown so again; in words on its page.
    calendar = {
        **said,
        "holidays": "not",
        "dates": "1/6..15/10, 24/12/2026",
        "market": "only",
        "every": "5",
        "since": "2026-01-03",
    }
    edit = f"/desk/devices/rules/{row.name}/edit"
    assert head.post(edit, calendar).status_code == 302
    row.refresh_from_db()
    assert (row.spec["only"], row.spec["not"]) == (
        {"dates": ["06-01..10-15", "2026-12-24"], "market": {"every": 5, "since": "2026-01-03"}}, {"holidays": True},
    )  # fmt: skip
    again = page(head, edit)
    assert 'value="01/06..15/10, 24/12/2026"' in again and 'value="2026-01-03"' in again
    shown = page(head, made.url)
    for words in (
        "Fill level above 85 %, until it is back at 70 %, only on ", "June 1 – October 15", "Dec. 24, 2026", "not on public holidays",
        "only on market days (each 5 days, counted from Jan. 3, 2026)",
    ):  # fmt: skip
        assert words in shown, words
    for wrong in (
        {"dates": "31/6"},
        {"dates": "June"},
        {"not_dates": "1/6..3"},
        {"every": ""},
        {"market": ""},
        {"since": "3/1"},
    ):
        assert head.post(edit, calendar | wrong).status_code == 422, wrong
    two = {
        "kind": "all",
        "of": [{"kind": "during", "days": [1], "of": row.spec}, {"kind": "geofence", "lat": 1, "lon": 1, "metres": 50}],
    }
    assert head.post(edit, {**said, "condition": "json", "spec": json.dumps(two)}).status_code == 302
    shown = page(head, made.url)
    assert (
        "all of these at once" in shown
        and "only on Monday" in shown
        and "more than 50 m from 1.00000, 1.00000" in shown
    )
    assert (
        head.post(
            f"/desk/devices/rules/{row.name}/edit", {**said, "condition": "json", "spec": '{"kind": "any", "of": []}'}
        ).status_code
        == 422
    )
    assert agent.post(f"/desk/devices/rules/{row.name}/edit", said).status_code == 403


OWN = {
    "threshold": {"quantity", "above", "below", "clear", "minutes"}, "silence": {"minutes"}, "rate": {"quantity", "above", "below"},
    "geofence": {"zones", "side"}, "json": {"spec"},
}  # fmt: skip


def shown_of(said: str) -> set[str]:
    return set(re.findall(r'name="(\w+)"', said)) & set().union(*OWN.values(), RuleForm.TIMES)


def test_what_a_rule_watches_for_is_chosen_first_and_its_form_asks_no_more(db, hire):
    head, new = hire("manager"), "/desk/devices/rules/new"
    first = page(head, new)
    assert not shown_of(first) and "Something else" not in first
    for kind, own in OWN.items():
        assert f'href="?condition={kind}"' in first
        times = set() if kind == "json" else set(RuleForm.TIMES)
        assert shown_of(page(head, f"{new}?condition={kind}")) == own | times, kind
    assert "It is raised when" in page(head, f"{new}?condition=moon"), "no such kind: it is asked again"


def test_a_rule_that_is_changed_keeps_its_kind_until_another_is_chosen(db, hire):
    head = hire("manager")
    values = {"titles": {"en": "Quiet"}, "spec": {"kind": "silence", "minutes": 45}}
    row = actions.save_rule("quiet", values, by=SYSTEM)
    edit = f"/desk/devices/rules/{row.name}/edit"
    assert shown_of(page(head, edit)) == {"minutes", *RuleForm.TIMES} and 'value="45"' in page(head, edit)
    assert "?condition=rate" in page(head, f"{edit}?condition=")
    assert shown_of(page(head, f"{edit}?condition=geofence")) == {"zones", "side", *RuleForm.TIMES}
    assert "&quot;kind&quot;: &quot;silence&quot;" in page(head, f"{edit}?condition=json"), "as JSON, what it is now"
    said = {"title": "Fast", "level": "2", "condition": "rate", "quantity": "speed", "below": "-5", "clear": "9"}
    assert head.post(edit, said).status_code == 302
    row.refresh_from_db()
    assert row.spec == {"kind": "rate", "quantity": "speed", "below": -5.0}, "what it does not ask is not kept"


@pytest.mark.parametrize(
    ("kind", "typed", "where", "error"),
    [
        ("threshold", {"quantity": "speed"}, "above", "Above or below: one of the two."),
        ("threshold", {"quantity": "speed", "above": "1", "below": "2"}, "above", "Above or below: one of the two."),
        ("threshold", {"quantity": "speed", "above": "1", "clear": "2"}, "clear", "It cannot end at a value at which it begins."),
        ("threshold", {"quantity": "speed", "below": "2", "clear": "1"}, "clear", "It cannot end at a value at which it begins."),
        ("threshold", {"above": "1"}, "quantity", "This field is required."),
        ("silence", {"minutes": "0"}, "minutes", "Ensure this value is greater than or equal to 1."),
        ("silence", {"minutes": "9", "start": "08:00", "end": "08:00"}, "end", "No time lies between these hours."),
        ("silence", {"minutes": "9", "end": "00:00"}, "end", "No time lies between these hours."),
        ("silence", {"minutes": "9", "every": "5"}, "market", "A market needs all three"),
        ("rate", {"quantity": "speed"}, "above", "Per hour: above, below, or both."),
        ("geofence", {"side": "inside"}, "zones", "This field is required."),
        ("json", {"spec": "{"}, "spec", "This is no condition yet"),
        ("json", {"spec": "[" * 100_000}, "spec", "This is no condition yet"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_rule_is_said_at_its_field(db, hire, kind, typed, where, error):
    sent = {"title": "R", "level": "2", "condition": kind, **typed}
    answer = hire("manager").post("/desk/devices/rules/new", sent)
    assert answer.status_code == 422 and not AlarmRule.objects.filter(declared=False).exists()
    form = answer.context["form"]
    assert list(form.errors) == [where] and error in form.errors[where][0]


def test_a_rule_of_many_devices_is_tried_on_some_and_makes_no_more_of_them(device, hire, monkeypatch):
    head = hire("manager")
    monkeypatch.setattr(trying, "MOST_DEVICES", 2)
    ones = [device(f"bin-{n}", kind="scale" if n == 4 else "sensor", service="waste", zone=7) for n in range(5)]
    say(ones[0], [{"at": NOW - 60, "fill": 90}, {"at": NOW, "fill": 99}])
    register.retire(ones[3].pk, by=SYSTEM)
    spec = {"kind": "threshold", "quantity": "fill", "above": 80.0}
    row = AlarmRule.objects.create(name="r", titles={"en": "R"}, spec=spec, service="waste", kind="sensor")
    made = []
    monkeypatch.setattr(
        Device, "__init__", lambda one, *a, **k: (made.append(1), models.Model.__init__(one, *a, **k))[1]
    )
    assert "It is for 3 devices." in page(head, "/desk/devices/rules/r") and not made
    shown = page(head, "/desk/devices/rules/r?try=1")
    assert "raised 1 time" in shown and "1 devices were left out" in shown and len(made) == 2
    for values in ({"service": "fleet"}, {"kind": "scale"}, {"devices": [ones[1].pk]}, {"service": "", "kind": ""}):
        AlarmRule.objects.filter(pk=row.pk).update(**{"service": "waste", "kind": "sensor", "devices": []} | values)
        live = watching.made(AlarmRule.objects.get(pk=row.pk))
        active = list(Device.objects.filter(state="active").order_by("name"))
        said = [
            one.pk for one in active if live.watches(watching.Watched(one.pk, "", one.service, "", one.kind, one.zone))
        ]
        assert [one.pk for one in actions.watched_by(live)] == said


def test_a_day_of_a_truck(device, hire, monkeypatch):
    truck = device("truck-1", "tcp", kind="tracker", name="Truck 1")
    noon = int(time.time()) - 3600
    places = [{"at": noon + n * 30, "lat": 12.65 + n / 2000, "lon": -8.0, "speed": 25} for n in range(20)]
    places += [{"at": noon + 600 + n * 60, "lat": 12.6595, "lon": -8.0, "speed": 0} for n in range(12)]
    say(truck, places, proof="door")
    agent = hire("agent")
    day = datetime.fromtimestamp(noon, UTC).date().isoformat()
    shown = page(agent, f"/desk/devices/{truck.pk}/day", day=day)
    assert "data-way-now" in shown and re.search(r"<dd>1[.,]1 km</dd>", shown) and "Stops of five minutes" in shown
    until = timezone.localtime(datetime.fromtimestamp(places[-1]["at"], UTC))
    assert f" – {until:%H:%M}</dd>" in shown and ">12.65900, -8.00000</a>" in shown
    monkeypatch.setattr(reading.territory, "reverse", lambda lon, lat: f"near the well of {lat:.4f}")
    assert ">near the well of 12.6590</a>" in page(agent, f"/desk/devices/{truck.pk}/day", day=day)
    assert AuditEntry.objects.filter(action="telemetry.see_way").exists()
    assert "said nowhere" in page(agent, f"/desk/devices/{truck.pk}/day", day="2020-01-01")
    assert "Truck 1" in page(agent, "/desk/devices/map")
    assert agent.get(f"/desk/devices/{truck.pk + 1}/day").status_code == 404


def test_a_map_shows_all_devices_however_many_they_are(device, hire, monkeypatch):
    agent = hire("agent")
    for n in range(12):
        say(
            device(f"bin-{n}", name=f"Bin {n}"),
            {"at": NOW, "fill": 50, "lat": 12.605 + n / 130, "lon": -8.095 + n / 65},
        )
    box = "-8.1,12.6,-7.9,12.7"
    assert page(agent, "/desk/devices/map", box=box).count("<tr>") == 13
    monkeypatch.setattr(devices, "ON_MAP", 5)
    shown = page(agent, "/desk/devices/map", box=box)
    around = re.findall(r"(\d+) devices? around", shown)
    assert (
        1 < len(around) <= 5 and sum(map(int, around)) == 12 and "more place" not in shown and f'value="{box}"' in shown
    )
    # Each place opens without JavaScript too: nearer, until they are devices. The fullest comes first.
    assert around == sorted(around, key=int, reverse=True)
    nearer = re.search(r'href="(/desk/devices/map\?box=[^"]+)">\d+ devices? around', shown)[1]
    assert re.search(r">Bin \d+</a>|devices? around</a>", page(agent, nearer))


def test_who_has_one_zone_sees_its_devices_alone(device, hire, monkeypatch):
    from toguna.kernel import access

    here, there = device("near-1", zone=1), device("far-1", zone=2)
    agent = hire("manager")
    real = access.zones
    monkeypatch.setattr(
        access, "zones", lambda actor, permission: frozenset({1}) if actor.staff else real(actor, permission)
    )
    assert "near-1" in page(agent, "/desk/devices/") and "far-1" not in page(agent, "/desk/devices/")
    page(agent, f"/desk/devices/{here.pk}")
    page(agent, f"/desk/devices/{there.pk}", status=404)
    rule = actions.save_rule(
        "r", {"titles": {"en": "R"}, "spec": {"kind": "silence", "minutes": 5}, "zone": 2}, by=SYSTEM
    )
    page(agent, f"/desk/devices/rules/{rule.name}", status=404)


@pytest.mark.parametrize(
    ("path", "most"), [("/desk/devices/", 14), ("/desk/devices/alarms", 13), ("/desk/devices/map", 15)]
)
def test_pages_cost_the_same_whatever_their_length(device, hire, path, most):
    agent = hire("agent")
    rule = actions.save_rule(
        "r", {"titles": {"en": "R"}, "spec": {"kind": "threshold", "quantity": "fill", "above": 1}}, by=SYSTEM
    )
    actions.switch(rule.pk, True, by=SYSTEM)
    for n in range(12):
        say(device(f"bin-{n}", name=f"Bin {n}"), {"at": NOW, "fill": 50, "lat": 12.65 + n / 1000, "lon": -8.0})
    page(agent, path)
    with CaptureQueriesContext(
        connection,
    ) as seen:
        shown = page(agent, path)
    assert "Bin 11" in shown and len(seen) <= most, [q["sql"][:120] for q in seen.captured_queries]
    assert api.positions_within((-8.1, 12.6, -7.9, 12.7))[0].device
