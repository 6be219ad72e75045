"""Events: announced only for what was committed, and each reaction takes effect once."""

import json
from dataclasses import dataclass
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from toguna.kernel import events, registry, tasks
from toguna.kernel.manifest import Service
from toguna.kernel.models import EventRow, PeriodicRun
from toguna.kernel.testing import forget_jobs


@dataclass(frozen=True)
class Rang(events.Event):
    times: int


heard: list[Rang] = []
ticked: list[str] = []


def hear(event: Rang) -> None:
    heard.append(event)


@pytest.fixture
def service(monkeypatch):
    heard.clear()
    ticked.clear()
    bell = Service(
        "bell",
        provides=(
            events.Reaction(Rang, hear),
            tasks.Periodic("bell-hourly", timedelta(hours=1), lambda: ticked.append("tick")),
        ),
    )
    monkeypatch.setitem(registry._services, "bell", bell)
    registry._declared.cache_clear()
    yield bell
    registry._declared.cache_clear()


def jobs() -> list[tuple[str, dict]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        return [(name, json.loads(args)) for name, args in cursor.fetchall()]


@pytest.mark.django_db(transaction=True)
def test_a_reaction_runs_in_the_worker_once_even_when_its_job_is_repeated(service):
    forget_jobs()
    with transaction.atomic():
        events.publish(Rang(3))
        event = EventRow.objects.latest("id")
        tasks.defer(events.react, event=event.pk, reaction=service.provides[0].key())  # a repeated job
    call_command("worker", once=True)
    assert heard == [Rang(3)]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_is_never_announced(service):
    before = jobs(), EventRow.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        events.publish(Rang(1))
        1 / 0  # noqa: B018
    assert (jobs(), EventRow.objects.count()) == before


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_refused(service):
    with pytest.raises(RuntimeError):
        events.publish(Rang(1))


@pytest.mark.django_db
def test_publishing_costs_two_statements_whatever_the_number_of_reactions(service, django_assert_num_queries):
    with django_assert_num_queries(2):
        events.publish(Rang(1))


@pytest.mark.django_db
def test_periodic_work_is_queued_once_when_due_however_often_one_ticks(service):
    tasks.tick()
    tasks.tick()
    assert [args for name, args in jobs() if args.get("name") == "bell-hourly"] == [{"name": "bell-hourly"}]
    run = PeriodicRun.objects.get(name="bell-hourly")
    assert run.next_at - run.last_at == timedelta(hours=1)
