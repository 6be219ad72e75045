"""A rule of devices, made by its form, opens reports and says it to more people when nobody acts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from toguna.engines.cases.api import Case
from toguna.engines.channels.models import Message
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.models import AlarmRule
from toguna.engines.telemetry.rules import actions, reacting
from toguna.engines.telemetry.testing import own_spool
from toguna.kernel.access import SYSTEM
from toguna.kernel.models import EventRow
from toguna.kernel.testing import run_jobs
from toguna.services.reports import topics

RULE = {
    "title": "Water high", "level": "2", "condition": "threshold", "quantity": "level", "above": "2", "escalate": "10",
    "notify": "+22370000009", "notify_up": "chief@town.test, +22370000010", "does_report": "pothole",
}  # fmt: skip


@pytest.fixture
def gauge(town, tmp_path):
    register.bring()
    with own_spool(tmp_path / "spool"):
        yield telemetry.register_device(
            "gauge-1",
            "http",
            telemetry.Told(name="Gauge of the bridge", lat=0.5, lon=0.5, zone=town.north.pk),
            by=SYSTEM,
        )


def says(value: float, code: str = "gauge-1", seconds: int = 0, **more) -> None:
    at = timezone.now().timestamp() + seconds
    telemetry.ingest(code, [telemetry.Observation(at=at, values={"level": value}, **more)], door="http")


@pytest.fixture
def head(hire):
    """Makes rules, and works on reports."""
    client = hire("manager", service="*")
    client.defaults["HTTP_ACCEPT_LANGUAGE"] = "en"
    return client


def test_an_alarm_opens_one_report_where_the_device_stands(gauge, head, town):
    topic = town.topics["pothole"]
    form = {**RULE, "does_report": topic.slug}
    assert head.post("/desk/devices/rules/new", {**form, "does_report": "no-such-category"}).status_code == 422
    made = head.post("/desk/devices/rules/new", form)
    row = AlarmRule.objects.get(declared=False)
    assert row.does == {"report": topic.slug} and row.notify_up == ["chief@town.test", "+22370000010"]
    assert "Open a report" in head.get(made.url).content.decode()
    assert "chief@town.test" in head.get(f"/desk/devices/rules/{row.name}/edit").content.decode()
    head.post(made.url, {"do": "on"})
    says(1.0, seconds=-60)
    says(2.5, seconds=-50)
    run_jobs()
    case = Case.objects.get()
    assert (case.topic.slug, case.channel, case.zone_id) == (topic.slug, "sensor", town.north.pk)
    assert case.text == "Water high: Gauge of the bridge" and case.point.coords == (0.5, 0.5)
    assert case.code in head.get("/desk/reports/?view=all").content.decode()
    # Said again by the outbox: it is that report.
    raised = EventRow.objects.get(name__endswith="AlarmRaised")
    reacting.on_alarm_raised(telemetry.AlarmRaised(**raised.payload))
    assert Case.objects.count() == 1
    # Another time is another report; one outside of the town is of the device's zone.
    says(1.0, seconds=-40)
    says(3.0, seconds=-30, lat=45.0, lon=45.0)
    run_jobs()
    assert Case.objects.count() == 2 and Case.objects.get(point=None).zone_id == town.north.pk
    # A closed category gets nothing, and stops nothing.
    type(topic).objects.filter(pk=topic.pk).update(active=False)
    topics.forget()
    says(1.0, seconds=-20)
    says(3.0, seconds=-10)
    run_jobs()
    assert Case.objects.count() == 2 and telemetry.Alarm.objects.count() == 3


def test_when_it_goes_up_the_next_addresses_hear(gauge, head):
    head.post("/desk/devices/rules/new", {**RULE, "does_report": ""})
    row = AlarmRule.objects.get(declared=False)
    assert row.does == {}
    actions.switch(row.pk, True, by=SYSTEM)
    says(2.5)
    assert list(Message.objects.values_list("address", flat=True)) == ["+22370000009"]
    telemetry.Alarm.objects.update(made=timezone.now() - timedelta(minutes=11))
    assert actions.escalate() == 1
    assert set(Message.objects.values_list("address", flat=True)) == {"+22370000009", "chief@town.test", "+22370000010"}
    run_jobs()
    assert not Case.objects.exists()


def test_who_may_not_work_on_reports_is_not_offered_them_and_takes_nothing_away(gauge, head, hire):
    head.post("/desk/devices/rules/new", {**RULE, "does_report": "pothole"})
    row = AlarmRule.objects.get(declared=False)
    other = hire("manager", service="telemetry")
    page = other.get(f"/desk/devices/rules/{row.name}/edit").content.decode()
    assert "does_report" not in page
    assert other.post(f"/desk/devices/rules/{row.name}/edit", {**RULE, "does_report": ""}).status_code == 302
    row.refresh_from_db()
    assert row.does == {"report": "pothole"}
