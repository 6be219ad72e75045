"""Several people and one problem: near, me too, merged, split. Nobody is lost and nobody is counted twice."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases.tests.test_cases import PERMIT, ask, permit  # noqa: F401
from toguna.engines.people.api import person_for
from toguna.kernel.access import NOBODY, SYSTEM, Actor, Denied

pytestmark = pytest.mark.django_db


@pytest.fixture
def topic(permit):  # noqa: F811
    return permit


def opened(topic, *, phone: str = "", **more) -> cases.Case:
    return cases.open_case(cases.Asked(type="permit", topic=topic, text="x", phone=phone, **more), by=NOBODY)[0]


def people_of(*rows: cases.Case) -> int:
    """How many stand behind these cases."""
    return sum(1 + row.supporters for row in rows)


def test_me_too_counts_a_person_and_a_device_once(topic):
    case = opened(topic, phone="+22370000001")
    other = person_for(phone="+22370000002")
    assert cases.support(case.pk, by=NOBODY, person=other.pk)[1]
    assert not cases.support(case.pk, by=NOBODY, person=other.pk)[1]
    assert cases.support(case.pk, by=NOBODY, device="d1")[1]
    assert not cases.support(case.pk, by=NOBODY, device="d1")[1]
    assert not cases.support(case.pk, by=NOBODY, person=case.reporter_id)[1], "the reporter counts already"
    case.refresh_from_db()
    assert case.supporters == 2 == case.followers.count()
    with pytest.raises(cases.Refused):
        cases.support(case.pk, by=NOBODY)
    cases.move(case.pk, "refuse", by=SYSTEM, words="no")
    with pytest.raises(cases.Refused):
        cases.support(case.pk, by=NOBODY, device="d2")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_merging_keeps_everybody(topic, data):
    """Whatever is merged in whatever order: each person follows where it went, once; no case points at itself or at one
    that is itself merged; merging again changes nothing."""
    phones = [f"+2237000000{n}" for n in range(4)]
    rows = [opened(topic, phone=data.draw(st.sampled_from(["", *phones]))) for _ in range(5)]
    for row in rows:
        for phone in data.draw(st.sets(st.sampled_from(phones))):
            cases.support(row.pk, by=NOBODY, person=person_for(phone=phone).pk)
    behind = {row.pk: {row.reporter_id, *row.followers.values_list("person_id", flat=True)} for row in rows}
    for _ in range(data.draw(st.integers(1, 4))):
        main = data.draw(st.sampled_from(rows))
        others = data.draw(st.lists(st.sampled_from(rows), min_size=1, max_size=3))
        before = list(cases.Case.objects.order_by("pk").values_list("state", "merged_into", "supporters"))
        try:
            cases.merge(main.pk, [o.pk for o in others], by=SYSTEM)
        except cases.Refused:
            assert before == list(cases.Case.objects.order_by("pk").values_list("state", "merged_into", "supporters"))
            continue
        once = list(cases.Case.objects.order_by("pk").values_list("state", "merged_into", "supporters"))
        cases.merge(main.pk, [o.pk for o in others if o.pk != main.pk], by=SYSTEM)
        assert once == list(cases.Case.objects.order_by("pk").values_list("state", "merged_into", "supporters"))
    for row in rows:
        row.refresh_from_db()
        root = row.merged_into or row
        assert root.merged_into is None and root.pk in {r.pk for r in rows}
        assert (row.merged_into is None) == (row.state != PERMIT.merged)
        known = {root.reporter_id, *root.followers.values_list("person_id", flat=True)}
        assert {p for p in behind[row.pk] if p} <= known
        assert root.supporters == root.followers.count()


def test_two_cannot_be_merged_into_one_another(topic):
    one, two = opened(topic), opened(topic)
    cases.merge(one.pk, [two.pk], by=SYSTEM)
    with pytest.raises(cases.Refused):
        cases.merge(two.pk, [one.pk], by=SYSTEM)
    with pytest.raises(cases.Refused):
        cases.merge(one.pk, [one.pk], by=SYSTEM)
    with pytest.raises(Denied):
        cases.merge(one.pk, [opened(topic).pk], by=Actor(account=1, staff=True))


@pytest.mark.django_db(transaction=True)
def test_merging_both_ways_at_once(topic):
    one, two = opened(topic), opened(topic)
    start, results = threading.Barrier(2), []

    def merge(main: int, other: int) -> None:
        try:
            start.wait()
            cases.merge(main, [other], by=SYSTEM)
            results.append("merged")
        except cases.Refused:
            results.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=merge, args=pair) for pair in ((one.pk, two.pk), (two.pk, one.pk))]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert sorted(results) == ["merged", "refused"]
    assert cases.Case.objects.filter(merged_into=None).count() == 1


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(photos=st.integers(0, 4), data=st.data())
def test_splitting_loses_no_photo(topic, photos, data):
    case = opened(topic, phone="+22370000009")
    ids = [cases.Photo.objects.create(case=case, digest=f"{n}").pk for n in range(photos)]
    count = data.draw(st.integers(1, 3))
    where = data.draw(st.lists(st.integers(0, count), min_size=photos, max_size=photos))  # the last: stays
    parts = [
        cases.Part(topic, f"part {n}", tuple(pk for pk, w in zip(ids, where, strict=True) if w == n))
        for n in range(count)
    ]
    key = uuid.uuid4()
    made = cases.split(case.pk, parts, by=SYSTEM, client_id=key)
    assert [row.pk for row in cases.split(case.pk, parts, by=SYSTEM, client_id=key)] == [row.pk for row in made]
    assert len(made) == count and {row.reporter_id for row in made} == {case.reporter_id}
    assert sorted(cases.Photo.objects.filter(case__in=[case, *made]).values_list("pk", flat=True)) == sorted(ids)
    assert [set(row.photos.values_list("pk", flat=True)) for row in made] == [set(p.photos) for p in parts]
    case.refresh_from_db()
    assert case.open


def test_a_photo_goes_with_one_part_only(topic):
    case = opened(topic)
    photo = cases.Photo.objects.create(case=case, digest="1").pk
    foreign = cases.Photo.objects.create(case=opened(topic), digest="1").pk
    for photos in ((photo, photo), (foreign,)):
        with pytest.raises(cases.Refused):
            cases.split(case.pk, [cases.Part(topic, "x", photos)], by=SYSTEM, client_id=uuid.uuid4())
    assert cases.Case.objects.count() == 2


@pytest.fixture
def square(db):
    from toguna.engines.territory import zones
    from toguna.engines.territory.models import Zone

    shape = MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)), srid=4326)
    Zone.objects.create(level=0, name="Town", source="t:0", geom=shape)
    zones.forget()
    yield
    zones.forget()


def test_near_measures_metres(topic, square):
    topic.near_m = 50
    topic.save()
    degree = 111_320
    close = opened(topic, lon=0.5 + 30 / degree, lat=0.5)
    closer = opened(topic, lon=0.5, lat=0.5 + 10 / degree)
    opened(topic, lon=0.5 + 60 / degree, lat=0.5)
    gone = opened(topic, lon=0.5, lat=0.5)
    cases.move(gone.pk, "refuse", by=SYSTEM, words="no")
    assert [row.pk for row in cases.near(topic, 0.5, 0.5)] == [closer.pk, close.pk]
    topic.near_m = 0
    assert cases.near(topic, 0.5, 0.5) == []


def test_the_same_action_twice_is_done_once(topic):
    case, key = opened(topic), uuid.uuid4()
    for _ in range(2):
        cases.reply(case.pk, "said once", by=SYSTEM, client_id=key)
    done = uuid.uuid4()
    for _ in range(2):
        cases.log_work(case.pk, by=SYSTEM, minutes=30, cost=5000, client_id=done)
    assert cases.Step.objects.filter(case=case, action="replied").count() == 1
    assert list(case.works.values_list("minutes", "cost")) == [(30, 5000)]


@pytest.mark.django_db(transaction=True)
def test_an_action_that_fails_is_not_remembered(topic):
    case, key = opened(topic), uuid.uuid4()
    with pytest.raises(cases.Refused):
        cases.move(case.pk, "refuse", by=SYSTEM, client_id=key)  # without its words
    cases.move(case.pk, "refuse", by=SYSTEM, words="why", client_id=key)
    case.refresh_from_db()
    assert not case.open
