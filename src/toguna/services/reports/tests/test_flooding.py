"""Five people who report water in one district: the town is asked whether to warn it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from toguna.engines.cases.api import Case
from toguna.engines.channels.models import Publication


@pytest.fixture
def flooded(opened, run_jobs):
    def times(count: int, **where) -> None:
        for _n in range(count):
            opened("flooding", **where)
        run_jobs()

    return times


def test_the_fifth_raises_one_alert_for_that_district(town, flooded):
    flooded(4)
    flooded(3, lon=1.5)
    assert not Publication.objects.exists()
    flooded(1)
    flooded(2)
    alert = Publication.objects.get()
    assert alert.state == Publication.State.ASKED and alert.audience["zones"] == [town.north.pk]
    assert "Nord" in alert.titles["fr"] and alert.texts["fr"].startswith("5 ")


def test_what_was_reported_yesterday_is_past(flooded):
    flooded(4)
    Case.objects.update(created=timezone.now() - timedelta(days=1))
    flooded(4)
    assert not Publication.objects.exists()


def test_one_person_who_reports_five_times_is_one(opened, run_jobs):
    for _n in range(6):
        opened("flooding", phone="+22370000001")
    run_jobs()
    assert not Publication.objects.exists()
