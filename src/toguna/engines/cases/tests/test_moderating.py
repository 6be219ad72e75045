"""Hiding keeps; covering and forgetting do not."""

from __future__ import annotations

import io
import os
import time
import uuid

import pytest
from django.db import connection, transaction
from django.test import Client
from hypothesis import given
from hypothesis import settings as slower
from hypothesis import strategies as st
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.engines.cases import photos
from toguna.engines.cases.api import Case, Photo, Step, Topic
from toguna.kernel.access import AGENT, MANAGER, NOBODY, SYSTEM, Actor, Denied, Grant
from toguna.kernel.models import AuditEntry

SECRET = (250, 20, 20)


@pytest.fixture
def topic(db, settings, tmp_path) -> Topic:
    settings.MEDIA_ROOT = tmp_path / "media"
    return Topic.objects.create(case_type="reports", slug="pothole", names={"en": "Pothole"})


def picture(width: int = 320, height: int = 240) -> bytes:
    """White, with a red square in its middle; EXIF says whose telephone it was."""
    image = Image.new("RGB", (width, height), "white")
    image.paste(SECRET, (width * 3 // 8, height * 3 // 8, width * 5 // 8, height * 5 // 8))
    exif = image.getexif()
    exif[0x010F] = "SecretPhone"
    made = io.BytesIO()
    image.save(made, "JPEG", quality=95, exif=exif, comment=b"SecretComment")
    return made.getvalue()


def opened(topic: Topic, **more) -> Case:
    return cases.open_case(cases.Asked(type="reports", topic=topic, **{"text": "A hole", **more}), by=NOBODY)[0]


@pytest.fixture
def photo(topic) -> Photo:
    case = opened(topic, photos=(picture(),))
    photos.draw.func(photo=case.photos.get().pk)
    return case.photos.get()


def red(data: bytes) -> int:
    """How many of its pixels are still of the colour that should not be seen."""
    with Image.open(io.BytesIO(data)) as image:
        return sum(n for n, (r, g, b) in image.convert("RGB").getcolors(2**24) if r > 150 and g < 110 and b < 110)


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def files(photo: Photo) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in photos.folder(photo).iterdir()}


def test_a_hidden_report_comes_back(topic):
    case = opened(topic)
    with pytest.raises(cases.Refused):
        cases.hide(case.pk, " ", by=SYSTEM)
    cases.hide(case.pk, "it names a neighbour", by=SYSTEM)
    cases.hide(case.pk, "again", by=SYSTEM)
    assert not Case.objects.get(pk=case.pk).public
    cases.show(case.pk, by=SYSTEM)
    assert Case.objects.get(pk=case.pk).public
    assert list(Step.objects.filter(case=case).values_list("action", "public").order_by("id"))[1:] == [
        ("hidden", False),
        ("shown", False),
    ]


def test_what_was_private_from_the_start_is_never_shown(topic):
    Topic.objects.filter(pk=topic.pk).update(public=False)
    case = opened(Topic.objects.get(pk=topic.pk))
    with pytest.raises(cases.Refused):
        cases.show(case.pk, by=SYSTEM)
    assert not Case.objects.get(pk=case.pk).public


def test_other_words_and_the_former_ones_for_the_town_hall(topic):
    case = opened(topic, text="Mamadou digs holes")
    step = cases.reply(case.pk, "Tell Mamadou to stop", by=SYSTEM)
    cases.reword(case.pk, "text", "Somebody digs holes", by=SYSTEM)
    cases.reword(case.pk, str(step.pk), "Tell him to stop", by=SYSTEM)
    assert Case.objects.get(pk=case.pk).text == "Somebody digs holes"
    assert [s.text for s in cases.timeline(case)] == ["", "Tell him to stop"]
    kept = [s.text for s in cases.timeline(case, whole=True) if s.action == "reworded"]
    assert kept == ["Mamadou digs holes", "Tell Mamadou to stop"]


def test_forgotten_words_are_nowhere(topic):
    from toguna.engines.channels.models import Message

    case = opened(topic, text="Mamadou digs holes", email="awa@example.org")
    step = cases.reply(case.pk, "Tell Mamadou to stop", by=SYSTEM)
    Message.objects.create(
        key=f"case.opened:{case.pk}:team", medium="email", address="t@t.test", text="Mamadou…", lane=1
    )
    Message.objects.create(
        key=f"case.replied:{step.pk}:email", medium="email", address="a@t.test", text="Mamadou…", lane=1
    )
    other = Message.objects.create(
        key=f"case.opened:{case.pk}1:team", medium="email", address="t@t.test", text="x", lane=1
    )
    cases.reword(case.pk, "text", "Mamadou", by=SYSTEM)  # first only hidden: what that kept goes too
    cases.reword(case.pk, "text", "", by=SYSTEM, forget=True)
    cases.reword(case.pk, str(step.pk), "", by=SYSTEM, forget=True)
    said = " ".join([Case.objects.get(pk=case.pk).text, *Step.objects.filter(case=case).values_list("text", flat=True)])
    assert "Mamadou" not in said
    assert list(Message.objects.all()) == [other]


def test_a_forgotten_place_is_not_in_its_corrections_either(topic):
    case = opened(topic, place="Chez Mamadou")
    cases.correct(case.pk, cases.Correction(place="Près de chez Mamadou"), by=SYSTEM)
    assert any("Mamadou" in str(s.data) for s in cases.timeline(case, whole=True))
    cases.reword(case.pk, "place", "", by=SYSTEM, forget=True)
    assert "Mamadou" not in Case.objects.get(pk=case.pk).place
    assert not any("Mamadou" in f"{s.data} {s.text}" for s in cases.timeline(case, whole=True))


def test_words_of_another_case_are_not_reached(topic):
    mine, other = opened(topic), opened(topic)
    step = cases.reply(other.pk, "Hello", by=SYSTEM)
    for what in (str(step.pk), "999999999", "x", "", "-1"):
        with pytest.raises(cases.Refused):
            cases.reword(mine.pk, what, "", by=SYSTEM)
    assert Step.objects.get(pk=step.pk).text == "Hello"


# -- Photos --


def test_covered_for_good(photo, django_capture_on_commit_callbacks):
    client, old = Client(), files(photo)
    former, place = photo.public_id, photos.folder(photo)
    assert sorted(old) == ["large.jpg", "small.jpg"] and all(red(data) for data in old.values())
    first = client.get(f"/photos/{former}/large.jpg")
    assert body(first) and first["Cache-Control"] == "private, no-cache"
    again = client.get(f"/photos/{former}/large.jpg", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 304
    with django_capture_on_commit_callbacks(execute=True):
        cases.cover_photo(photo.pk, [(0.38, 0.38, 0.62, 0.62)], by=SYSTEM)  # a little less than the square
    photo.refresh_from_db()
    assert photo.redacted and photo.public_id != former and not place.exists()
    for size in ("large", "small"):
        # Whoever kept it asks with what they were told: it is gone for them as for everybody.
        for known in ({}, {"if-none-match": f'"{former.hex}-{size}"'}, {"if-none-match": "*"}):
            assert client.get(f"/photos/{former}/{size}.jpg", headers=known).status_code == 404
        shown = body(client.get(f"/photos/{photo.public_id}/{size}.jpg"))
        assert red(shown) == 0
        assert b"Secret" not in shown and b"Exif" not in shown
    assert sorted(files(photo)) == ["large.jpg", "small.jpg"]


@slower(max_examples=25)
@given(
    st.tuples(*[st.floats(0, 0.95)] * 2),
    st.tuples(*[st.floats(0.01, 1)] * 2),
    st.integers(30, 400),
    st.integers(30, 400),
)
def test_all_that_is_inside_a_box_is_covered(tmp_path_factory, start, size, width, height):
    """Whatever the box and the picture's size: no pixel of the box keeps its colour."""
    left, top = start
    right, bottom = min(1, left + size[0]), min(1, top + size[1])
    image = Image.new("RGB", (width, height), SECRET)
    photos._paint(image, [(left, top, right, bottom)])
    for x in (int(left * width), max(int(left * width), int(right * width) - 1)):
        for y in (int(top * height), max(int(top * height), int(bottom * height) - 1)):
            assert image.getpixel((min(x, width - 1), min(y, height - 1))) == photos.COVER


def test_a_photo_whose_file_is_gone_is_refused_in_words(photo):
    (photos.folder(photo) / "large.jpg").unlink()
    assert Client().get(f"/photos/{photo.public_id}/large.jpg").status_code == 404
    with pytest.raises(cases.Refused):
        cases.cover_photo(photo.pk, [(0, 0, 1, 1)], by=SYSTEM)
    assert not Photo.objects.get().redacted


@pytest.mark.parametrize("cut", ["before the row", "before the files"])
@pytest.mark.django_db(transaction=True)
def test_power_cut_while_covering(photo, monkeypatch, cut):
    """Before the commit the old one is there, whole; after it, never the old one, and its files go when the power is back."""
    former, before = photo.public_id, files(photo)
    monkeypatch.setattr(photos, "_remove", lambda name: None)  # dies just then
    if cut == "before the row":
        with pytest.raises(RuntimeError), transaction.atomic():
            cases.cover_photo(photo.pk, [(0, 0, 1, 1)], by=SYSTEM)
            raise RuntimeError("power")
    else:
        cases.cover_photo(photo.pk, [(0, 0, 1, 1)], by=SYSTEM)
    monkeypatch.undo()
    photo.refresh_from_db()
    if cut == "before the row":
        assert photo.public_id == former and files(photo) == before
        for place in photos.root().glob("??/*"):
            os.utime(place, (time.time() - 90_000,) * 2)
        photos.sweep()
        assert [place.name for place in photos.root().glob("??/*")] == [str(former)]
        return
    assert Client().get(f"/photos/{former}/large.jpg").status_code == 404
    with connection.cursor() as cursor:
        cursor.execute("SELECT args->>'public_id' FROM procrastinate_jobs WHERE task_name LIKE '%%photos.discard'")
        waiting = [row[0] for row in cursor.fetchall()]
    assert str(former) in waiting
    photos.discard.func(public_id=str(former))
    assert [place.name for place in photos.root().glob("??/*")] == [str(photo.public_id)]


def test_the_job_never_removes_a_photo_that_is_shown(photo):
    photos.discard.func(public_id=str(photo.public_id))
    assert files(photo)


def test_an_original_left_by_a_power_cut_goes(photo):
    """Drawn and committed, then the power went before its original was removed."""
    original = photos.folder(photo) / "original"
    original.write_bytes(picture())
    photos.draw.func(photo=photo.pk)  # the queue does a job again whose worker died
    assert not original.exists()
    original.write_bytes(picture())
    os.utime(photos.folder(photo), (time.time() - 90_000,) * 2)
    photos.sweep()
    assert sorted(files(photo)) == ["large.jpg", "small.jpg"]


def test_the_sweep_leaves_what_is_new_and_what_is_not_ours(photo):
    new = photos.root() / "ab" / f"ab{uuid.uuid4()}"[:36]
    new.mkdir(parents=True)
    photos.sweep()
    assert new.exists() and files(photo)


def test_a_hidden_photo_is_for_the_town_hall_only(photo):
    address = f"/photos/{photo.public_id}/small.jpg"
    etag = Client().get(address)["ETag"]
    cases.hide_photo(photo.pk, by=SYSTEM)
    assert Client().get(address, headers={"if-none-match": etag}).status_code == 404
    cases.hide_photo(photo.pk, by=SYSTEM, hidden=False)
    assert Client().get(address).status_code == 200


def test_a_removed_photo_does_not_come_back(photo, django_capture_on_commit_callbacks):
    place = photos.folder(photo)
    with django_capture_on_commit_callbacks(execute=True):
        cases.remove_photo(photo.pk, by=SYSTEM)
    assert not place.exists()
    cases.add_photo(photo.case_id, picture(), by=NOBODY, client_id=uuid.uuid4())  # the telephone sends it again
    assert Photo.objects.count() == 1
    for verb in (cases.hide_photo, cases.remove_photo):
        with pytest.raises(cases.Refused):
            verb(photo.pk, by=SYSTEM)


def test_a_covered_photo_does_not_come_back_uncovered(photo):
    cases.cover_photo(photo.pk, [(0, 0, 1, 1)], by=SYSTEM)
    cases.add_photo(photo.case_id, picture(), by=NOBODY, client_id=uuid.uuid4())
    assert Photo.objects.count() == 1


@pytest.mark.parametrize(
    "boxes", [[], [(0, 0, 0, 1)], [(0.5, 0, 0.2, 1)], [(-0.1, 0, 1, 1)], [(0, 0, 1, 1.01)], [(0, 0, float("nan"), 1)]]
)
def test_boxes_that_make_no_sense(photo, boxes):
    with pytest.raises(cases.Refused):
        cases.cover_photo(photo.pk, boxes, by=SYSTEM)
    assert not Photo.objects.get().redacted


# -- What residents flag --


def test_flagged_once_for_each_device_and_looked_at(topic):
    from toguna.services.reports.casetype import REPORT

    case, private = opened(topic), opened(topic)
    cases.hide(private.pk, "x", by=SYSTEM)
    for device in ("a", "b", "a"):
        cases.flag(case.pk, "person", "it names me", by=NOBODY, device=device)
    cases.flag(private.pk, "person", "", by=NOBODY, device="a")
    with pytest.raises(cases.Refused):
        cases.flag(case.pk, "boring", "", by=NOBODY, device="c")
    assert [(f.case.pk, f.times) for f in cases.flagged(SYSTEM, REPORT)] == [(case.pk, 2)]
    assert len(cases.flags(case)) == 2
    assert cases.flagged(Actor(grants=(Grant(MANAGER, "reports", zones=frozenset({99})),)), REPORT) == []
    cases.settle(case.pk, by=SYSTEM)
    assert cases.flagged(SYSTEM, REPORT) == [] == cases.flags(case)
    cases.flag(case.pk, "insult", "", by=NOBODY, device="d")
    assert [f.times for f in cases.flagged(SYSTEM, REPORT)] == [1]
    assert cases.timeline(case).count() == 1  # the public sees none of this


def test_who_may_not(photo):
    """An agent, and a manager of another category: nothing changes, and it is on record who tried."""
    case = photo.case
    step = cases.reply(case.pk, "Hello", by=SYSTEM)
    steps = Step.objects.count()
    agent = Actor(account=5, staff=True, grants=(Grant(AGENT, "reports"),))
    elsewhere = Actor(account=6, staff=True, grants=(Grant(MANAGER, "reports", subjects=frozenset({"noise"})),))
    for actor in (NOBODY, agent, elsewhere):
        for verb in (
            lambda by: cases.hide(case.pk, "x", by=by),
            lambda by: cases.show(case.pk, by=by),
            lambda by: cases.reword(case.pk, str(step.pk), "x", by=by),
            lambda by: cases.hide_photo(photo.pk, by=by),
            lambda by: cases.cover_photo(photo.pk, [(0, 0, 1, 1)], by=by),
            lambda by: cases.remove_photo(photo.pk, by=by),
            lambda by: cases.settle(case.pk, by=by),
            lambda by: cases.erase(case.pk, "x", by=by),
        ):
            with pytest.raises(Denied):
                verb(actor)
    assert Step.objects.count() == steps and Photo.objects.get().public_id == photo.public_id
    assert not AuditEntry.objects.filter(action__in=["reports.hidden", "reports.erase"]).exists()
