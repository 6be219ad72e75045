"""A thousand reports from one phone, a deadline for each, a boundary drawn anew under open reports."""

from __future__ import annotations

import uuid
from datetime import UTC, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases import rezoning
from toguna.engines.cases.api import Step
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.services.reports import intake
from toguna.services.reports.tests.conftest import square


def test_a_thousand_reports_from_one_phone(client, town):
    """The first ones are taken; then each is refused in words, with when to come back; others are not hindered."""
    statuses = []
    for n in range(1000):
        answer = client.post(
            "/api/v1/reports",
            {
                "category": "pothole",
                "text": f"Trou {n}",
                "lon": 0.5,
                "lat": 0.5,
                "phone": "+22370000001",
                "client_id": str(uuid.uuid4()),
            },
            content_type="application/json",
        )
        statuses.append(answer.status_code)
    assert statuses.count(201) == intake.PER_SENDER and set(statuses) == {201, 429}
    assert int(answer["Retry-After"]) > 0 and "minute" in answer.json()["detail"]
    assert cases.Case.objects.count() == intake.PER_SENDER
    other = client.post(
        "/api/v1/reports", {"category": "pothole", "text": "x", "lon": 0.5, "lat": 0.5, "phone": "+22370000002"},
        content_type="application/json", headers={"user-agent": "another telephone"},
    )  # fmt: skip
    assert other.status_code == 201


@given(st.integers(0, 3650), st.datetimes(timezones=st.just(UTC)))
def test_a_deadline_is_that_many_days_later(days, opened):
    try:
        due = cases.deadline(cases.Topic(days=days), opened)
    except OverflowError:
        return
    assert due - opened == timedelta(days=days)
    assert cases.deadline(cases.Topic(days=days + 1), opened) > due


@pytest.mark.django_db
def test_a_boundary_drawn_anew_under_open_reports(town, opened):
    moved, stays, done = opened(lon=0.9), opened(lon=0.2), opened(lon=0.9)
    from toguna.kernel.access import SYSTEM

    cases.move(done.pk, "solve", by=SYSTEM)
    Zone.objects.filter(pk=town.north.pk).update(geom=square(0, 0, 0.5, 1))
    Zone.objects.filter(pk=town.south.pk).update(geom=square(0.5, 0, 2, 1))
    zones.forget()
    assert rezoning.rezone() == 1 and rezoning.rezone() == 0
    for case in (moved, stays, done):
        case.refresh_from_db()
    assert (moved.zone, stays.zone, done.zone) == (town.south, town.north, town.north)
    assert moved.team == town.roads
    step = Step.objects.get(case=moved, action="rezoned")
    assert step.data == {"from": town.north.pk, "to": town.south.pk}
    Zone.objects.filter(pk=town.south.pk).update(geom=square(5, 5, 6, 6))
    Zone.objects.filter(pk=town.whole.pk).update(geom=square(5, 5, 6, 6))
    zones.forget()
    rezoning.rezone()
    moved.refresh_from_db()
    assert moved.zone == town.south  # it stands in none any more: it keeps its own
