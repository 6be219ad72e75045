"""What says who a case was about goes on time, and nothing else does."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.engines.cases import photos, retention
from toguna.engines.cases.api import Case, Step, Topic
from toguna.engines.cases.models import Received, Supporter
from toguna.engines.people import api as people
from toguna.kernel.access import NOBODY, SYSTEM, Actor, Denied
from toguna.kernel.models import AuditEntry


@pytest.fixture
def topic(db, settings, tmp_path) -> Topic:
    settings.MEDIA_ROOT = tmp_path / "media"
    return Topic.objects.create(case_type="reports", slug="pothole", names={"en": "Pothole"}, keep_days=100)


@pytest.fixture
def picture() -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (64, 48), "brown").save(made, "JPEG")
    return made.getvalue()


def opened(topic: Topic, **more) -> Case:
    return cases.open_case(cases.Asked(type="reports", topic=topic, **{"text": "A hole", **more}), by=NOBODY)[0]


def aged(case: Case, days: float) -> None:
    Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=days))


@pytest.mark.parametrize(("days", "gone"), [(99.9, False), (100.1, True)])
def test_only_what_has_been_closed_for_long_enough(topic, days, gone):
    case, open_one = opened(topic, name="Awa"), opened(topic, name="Ali")
    cases.move(case.pk, "solve", by=SYSTEM)
    aged(case, days)
    Case.objects.filter(pk=open_one.pk).update(created=timezone.now() - timedelta(days=9999))
    retention.run()
    case.refresh_from_db()
    open_one.refresh_from_db()
    assert (case.text == "", case.reporter_id is None, case.anonymised is not None) == (gone,) * 3
    assert open_one.text == "A hole" and open_one.reporter_id is not None


def test_all_of_them_in_batches_and_from_where_it_stopped(topic, monkeypatch):
    monkeypatch.setattr(retention, "BATCH", 3)
    made = [opened(topic, name=f"Somebody {n}") for n in range(8)]
    for case in made:
        cases.move(case.pk, "solve", by=SYSTEM)
        aged(case, 200)
    real, calls = retention._anonymise, []

    def stops(ids):
        calls.append(len(ids))
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(ids)

    monkeypatch.setattr(retention, "_anonymise", stops)
    with pytest.raises(KeyboardInterrupt):
        retention.run()
    assert Case.objects.exclude(anonymised=None).count() == 3  # what was done stays done
    retention.run()
    assert calls == [3, 3, 3, 2]
    assert Case.objects.filter(anonymised=None).count() == 0
    assert Step.objects.filter(action="anonymised").count() == 8
    assert people.Person.objects.exclude(name="").count() == 0


def test_nothing_is_written_on_it_afterwards(topic):
    case = opened(topic)
    cases.move(case.pk, "solve", by=SYSTEM)
    key = cases.key_of(Case.objects.get(pk=case.pk))
    aged(case, 200)
    retention.run()
    for verb in (
        lambda: cases.reply(case.pk, "Dear Mrs Diallo", by=SYSTEM, public=False),
        lambda: cases.move(case.pk, "reopen", by=SYSTEM, words="x"),
        lambda: cases.move(case.pk, "contest", by=NOBODY, words="x", key=key),
        lambda: cases.answer(case.pk, "it is me", by=NOBODY, key=key),
        lambda: cases.rate(case.pk, 5, by=NOBODY, key=key),
        lambda: cases.support(case.pk, by=NOBODY, device="d"),
    ):
        with pytest.raises((cases.Refused, Denied)):
            verb()


def test_history_is_shut_again(topic):
    case = opened(topic)
    cases.move(case.pk, "solve", by=SYSTEM)
    aged(case, 200)
    retention.run()  # in this very transaction
    with pytest.raises(DatabaseError, match="append-only"):
        Step.objects.filter(case=case).update(text="changed")


def test_what_is_counted_stays(topic):
    case = opened(topic, phone="+22376000001")
    for n in range(3):
        cases.support(case.pk, by=NOBODY, device=f"device {n}")
    cases.move(case.pk, "solve", by=SYSTEM)
    cases.rate(case.pk, 4, by=NOBODY, key=cases.key_of(case))
    cases.log_work(case.pk, by=SYSTEM, minutes=50, cost=900, what="with Awa's nephew")
    aged(case, 200)
    columns = ("topic", "zone", "state", "open", "team", "created", "due", "closed", "supporters", "rating", "channel")
    before = list(Case.objects.values_list(*columns)), list(Step.objects.values_list("action", "at", "to_state"))
    retention.run()
    assert list(Case.objects.values_list(*columns)) == before[0]
    assert list(Step.objects.values_list("action", "at", "to_state"))[:-1] == before[1]
    work = cases.Work.objects.get()
    assert (work.minutes, work.cost, work.what) == (50, 900, "")


def test_messages_about_it_go_and_no_others(topic):
    """By what they are about, and by the code that is written in them; a code inside a longer word is another word."""
    from toguna.engines.channels.models import Message

    case, other = opened(topic), opened(topic)
    cases.move(case.pk, "solve", by=SYSTEM)
    step = Step.objects.get(case=case, action="moved")
    about = {
        f"case.opened:{case.pk}:sms": "no code in it", f"case.moved:{step.pk}:follower:7": "none here",
        "digest:1": f"New near you: {case.code}, {other.code}.", f"case.opened:{case.pk}0:sms": "another case",
        "digest:2": f"X{case.code} is no code of ours", "code:3": "123456",
    }  # fmt: skip
    for key, words in about.items():
        Message.objects.create(key=key, medium="sms", address="+22370000009", text=words, lane=1)
    aged(case, 200)
    retention.run()
    assert set(Message.objects.values_list("key", flat=True)) == {f"case.opened:{case.pk}0:sms", "digest:2", "code:3"}


def test_somebody_who_has_another_interest_is_not_forgotten(topic):
    old, new = opened(topic, phone="+22376000001"), opened(topic, phone="+22376000001")
    cases.move(old.pk, "solve", by=SYSTEM)
    aged(old, 200)
    retention.run()
    new.refresh_from_db()
    assert people.reach(new.reporter_id)
    assert Case.objects.get(pk=old.pk).reporter_id is None


def test_one_case_erased_on_request(topic, picture):
    case = opened(topic, phone="+22376000001", photos=(picture,))
    other = opened(topic)
    place = cases.photo_folder(case.photos.get())
    cases.reply(case.pk, "Thank you", by=SYSTEM)
    for actor in (NOBODY, Actor(account=7, staff=True)):
        with pytest.raises(Denied):
            cases.erase(case.pk, "asked for", by=actor)
    with pytest.raises(cases.NotNow):
        cases.erase(case.pk, " ", by=SYSTEM)
    assert place.exists()
    photos_gone = photos.discard  # the job that a power cut would leave to do
    cases.erase(case.pk, "asked for", by=SYSTEM)
    photos_gone.func(public_id=place.name)
    assert not place.exists()
    assert list(Case.objects.values_list("pk", flat=True)) == [other.pk]
    assert not Step.objects.filter(case=case.pk).exists()
    left = AuditEntry.objects.get(action="reports.erase")
    assert left.subject == f"cases.case:{case.pk}" and left.data == {"code": case.code, "reason": "asked for"}
    assert not people.Contact.objects.exists()


def test_erasing_somebody_leaves_nothing_of_what_is_closed(topic):
    from toguna.engines.people.erasure import erase

    closed, still = opened(topic, phone="+22376000001"), opened(topic, phone="+22376000001")
    followed = opened(topic)
    person = people.Person.objects.get(pk=closed.reporter_id)
    cases.support(followed.pk, by=NOBODY, person=person.pk)
    cases.move(closed.pk, "solve", by=SYSTEM)
    erase(person, by=SYSTEM)
    rows = {c.pk: c for c in Case.objects.all()}
    assert (rows[closed.pk].text, rows[still.pk].text) == ("", "A hole")
    assert {rows[closed.pk].reporter_id, rows[still.pk].reporter_id} == {None}
    assert rows[still.pk].client_id != still.client_id  # the links of their messages open nothing
    assert rows[followed.pk].supporters == 1 and not Supporter.objects.exclude(person=None).exists()


# -- Nothing is left: what is looked at is the whole database as text, and every file --


MARK, PHONE = "Zoubeïda Quxmarker", "+22376543298"
NEEDLES = (b"quxmarker", b"76543298", b"device-quxmarker")


def dump() -> bytes:
    """A full dump of the test's database."""
    found = connection.settings_dict
    program = next((str(p) for p in Path("/usr/lib/postgresql").glob("*/bin/pg_dump")), shutil.which("pg_dump"))
    if program is None:
        pytest.skip("there is no pg_dump here")
    arguments = [
        program,
        "-h",
        str(found["HOST"]),
        "-U",
        str(found["USER"] or os.environ.get("USER", "")),
        found["NAME"],
    ]
    if found["PORT"]:
        arguments += ["-p", str(found["PORT"])]
    environment = {**os.environ, "PGPASSWORD": str(found["PASSWORD"] or "")}
    return subprocess.run(arguments, check=True, capture_output=True, env=environment).stdout.lower()


def found_in(data: bytes) -> list[bytes]:
    return [line[:200] for line in data.splitlines() if any(needle in line for needle in NEEDLES)]


@pytest.mark.django_db(transaction=True)
def test_no_trace_is_left_anywhere(topic, picture, settings):
    with connection.cursor() as cursor:  # the queue's tables are not ours: what other tests left is still there
        cursor.execute("DELETE FROM procrastinate_jobs")
    topic.questions = [{"name": "who", "kind": "string", "label": {"en": "Who?"}}]
    topic.save()
    marked = picture + MARK.encode()  # after the end of the JPEG: no program shows it, and it is there
    case = opened(
        topic, text=f"My name is {MARK}", place=f"At {MARK}'s", name=MARK, phone=PHONE, answers={"who": MARK},
        photos=(marked,), email="quxmarker@example.org", client_id=uuid.uuid4(),
    )  # fmt: skip
    assert any(found_in(f.read_bytes().lower()) for f in settings.MEDIA_ROOT.rglob("original"))
    key = cases.key_of(case)
    other = opened(topic, text="Somebody else's")
    cases.support(other.pk, by=NOBODY, person=case.reporter_id)
    cases.support(case.pk, by=NOBODY, device="device-quxmarker")
    cases.reply(case.pk, f"Dear {MARK}", by=SYSTEM)
    cases.reply(case.pk, f"{MARK} called", by=SYSTEM, public=False)
    cases.answer(case.pk, f"{MARK}: it is still there", by=NOBODY, key=key)
    cases.log_work(case.pk, by=SYSTEM, minutes=5, what=f"with {MARK}")
    cases.flag(case.pk, "person", f"it names {MARK}", by=NOBODY, device="device-quxmarker")
    cases.reword(case.pk, "place", "Near the market", by=SYSTEM)
    cases.move(case.pk, "solve", by=SYSTEM, words=f"Done for {MARK}", client_id=uuid.uuid4())
    cases.rate(case.pk, 1, by=NOBODY, key=key)
    cases.move(other.pk, "solve", by=SYSTEM)
    work_off_jobs()
    before = dump()
    assert len(found_in(before)) >= 10  # it is well and truly planted
    counts = Case.objects.count(), Step.objects.count(), cases.Work.objects.count()
    for row in (case, other):
        aged(row, 200)
    retention.run()
    work_off_jobs()
    left = dump()
    assert found_in(left) == []
    assert str(case.client_id).encode() not in left and key.encode() not in left
    assert not Received.objects.filter(case=case).exists()
    assert [f for f in settings.MEDIA_ROOT.rglob("*") if f.is_file()] == []
    assert (Case.objects.count(), Step.objects.count() - 2, cases.Work.objects.count()) == counts


def work_off_jobs() -> None:
    """As the worker would; what is done stays in the queue's table for some days, as it does there."""
    import json

    from procrastinate.contrib.django import app

    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id LIMIT 1"
            )
            row = cursor.fetchone()
            if row is None:
                return
            cursor.execute("UPDATE procrastinate_jobs SET status = 'succeeded' WHERE id = %s", [row[0]])
        app.tasks[row[1]].func(**(json.loads(row[2]) if isinstance(row[2], str) else row[2]))
