"""A report's whole life on the web without JavaScript, and what people send that they should not."""

from __future__ import annotations

import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from PIL import Image

from toguna.engines.cases.api import Case, Photo, Step, photo_folder
from toguna.engines.channels.models import Message
from toguna.kernel.models import AuditEntry

NEW = "/reports/new/pothole"


def send(client, values, **more):
    return client.post(NEW, values, **more)


def code_of(response) -> str:
    assert response.status_code == 302, response.content.decode()[-3000:]
    return response.url.rsplit("/", 1)[-1].partition("?")[0]


def test_whole_life(client, town, fields, hire, run_jobs, picture):
    assert "Nid-de-poule" in client.get("/reports/new", headers={"accept-language": "fr"}).content.decode()
    assert 'name="place"' in client.get(NEW).content.decode()
    form = client.get(NEW, {"position": "0.5, 0.5"})
    assert re.search(r'name="client_id" value="[0-9a-f-]{36}"', form.content.decode())
    photo = SimpleUploadedFile("a.jpg", picture, "image/jpeg")
    code = code_of(send(client, fields(contact="awa@example.org", name="Awa", photos=photo)))
    thanks = client.get(f"/reports/thanks/{code}")
    assert f"{code[:3]} {code[3:]}" in thanks.content.decode()
    case = Case.objects.get(code=code)
    assert (case.team, case.zone, case.state) == (town.roads, town.north, "received")

    run_jobs()
    assert set(Message.objects.values_list("address", flat=True)) == {"awa@example.org", "voirie@town.test"}
    kept = Photo.objects.get()
    assert kept.state == "ready" and not (photo_folder(kept) / "original").exists()
    served = client.get(f"/photos/{kept.public_id}/large.jpg")
    drawn = Image.open(io.BytesIO(b"".join(served.streaming_content)))
    assert max(drawn.size) == 1600 and not dict(drawn.getexif())

    agent = hire("agent", teams=[town.roads])
    assert code[:3] in agent.get("/desk/reports/?view=team").content.decode()
    page = agent.get(f"/desk/reports/{code}").content.decode()
    assert "awa@example.org" not in page
    assert "awa@example.org" in agent.get(f"/desk/reports/{code}?reporter=show").content.decode()
    assert AuditEntry.objects.filter(action="reports.read_reporter", account=agent.account.pk).count() == 1
    act = f"/desk/reports/{code}/act"
    agent.post(act, {"do": "move", "transition": "accept", "seen": "received"})
    agent.post(act, {"do": "assign", "team": town.roads.pk, "assignee": agent.account.pk})
    agent.post(act, {"do": "reply", "words": "Nous venons demain"})
    agent.post(act, {"do": "note", "words": "Secret de la mairie"})
    agent.post(act, {"do": "move", "transition": "solve", "seen": "accepted", "words": "C'est rebouché"})
    run_jobs()
    public = client.get(f"/reports/{code}").content.decode()
    assert "C&#x27;est rebouché" in public and "Nous venons demain" in public
    assert "Secret" not in public and "Awa" not in public and "awa@" not in public
    case.refresh_from_db()
    assert (case.state, case.open, case.assignee_id) == ("solved", False, agent.account.pk) and case.closed
    assert Message.objects.filter(address="awa@example.org").count() == 4  # received, accepted, answered, solved
    assert code in client.get("/").content.decode()  # solved lately
    assert client.get("/reports/follow", {"code": f" {code[:3].lower()}-{code[3:]} "}).url == f"/reports/{code}"


def test_a_landmark_is_a_place_without_javascript(client, town, fields):
    """Words that fit one place are enough; words that fit several are asked about, with a button for each."""
    from django.contrib.gis.geos import Point

    from toguna.engines.territory import names
    from toguna.engines.territory.models import Feature, Layer

    layer = Layer.objects.create(slug="facilities", names={"fr": "Lieux"})
    for n, (name, kind, lon) in enumerate(
        (("Pharmacie du Fleuve", "pharmacy", 0.25), ("École Nord", "school", 0.3), ("École Sud", "school", 1.7))
    ):
        Feature.objects.create(layer=layer, source=f"t:{n}", name=name, kind=kind, geom=Point(lon, 0.5, srid=4326))
    names.rebuild()
    code = code_of(send(client, fields(position="", place="derrière la pharmacie du fleuve")))
    assert Case.objects.get(code=code).point.x == pytest.approx(0.25, abs=1e-6)
    asked = send(client, fields(position="", place="école"))
    assert asked.status_code == 422
    buttons = re.findall(r'name="chosen" value="([^"]+)"', asked.content.decode())
    assert len(buttons) == 2
    code = code_of(send(client, fields(position="", place="école", chosen=next(b for b in buttons if "1.7" in b))))
    assert Case.objects.get(code=code).zone == town.south


def test_a_double_post_is_one_report(client, fields):
    values = fields()
    assert code_of(send(client, values)) == code_of(send(client, values))
    assert Case.objects.count() == Step.objects.count() == 1


@pytest.mark.parametrize("position", ["50.0, 50.0", "0.5, -0.5", "13.9", "près du marché", "91, 500"])
def test_a_place_that_is_none_is_refused_with_what_to_do(client, fields, position):
    response = send(client, fields(position=position), headers={"accept-language": "en"})
    assert response.status_code == 422
    assert "position" in response.context["form"].errors
    assert "district" in str(response.context["form"].errors["position"]) or "empty" in str(
        response.context["form"].errors["position"]
    )
    assert "Un grand trou" in response.content.decode()  # nothing typed is lost
    assert not Case.objects.exists()


def test_a_district_is_enough(client, town, fields):
    code = code_of(send(client, fields(position="", place="", district=town.south.pk)))
    case = Case.objects.get(code=code)
    assert case.zone == town.south and case.point is None


@pytest.mark.parametrize(
    "words", ["🕳️🚲 trou énorme", "حفرة كبيرة أمام المدرسة", "a\u202eb", "<script>alert(1)</script>", "x" * 4000]
)
def test_any_writing_is_kept(client, fields, words):
    code = code_of(send(client, fields(text=words)))
    assert Case.objects.get(code=code).text == words.replace("\u202e", "")
    shown = client.get(f"/reports/{code}").content.decode()
    assert "<script>alert" not in shown


@pytest.mark.parametrize(
    "content", [b"", b"not a picture", b"\xff\xd8\xff\xe0" + b"\0" * 100, b"%PDF-1.4 x", b"GIF89a" + b"\xff" * 20]
)
def test_a_photo_that_is_not_one(client, fields, content):
    response = send(client, fields(photos=SimpleUploadedFile("a.jpg", content, "image/jpeg")))
    assert response.status_code == 422 and "photos" in response.context["form"].errors
    assert not Case.objects.exists()


def test_a_photo_whose_body_is_broken_is_not_shown(client, fields, picture, run_jobs):
    code = code_of(send(client, fields(photos=SimpleUploadedFile("a.jpg", picture[:3000], "image/jpeg"))))
    run_jobs()
    kept = Photo.objects.get()
    assert kept.state == "refused" and not (photo_folder(kept) / "original").exists()
    assert client.get(f"/photos/{kept.public_id}/large.jpg").status_code == 404
    assert client.get(f"/reports/{code}").status_code == 200


def test_forty_megabytes(client, fields):
    response = send(client, fields(photos=SimpleUploadedFile("a.jpg", b"\xff\xd8" + b"x" * 40_000_000, "image/jpeg")))
    assert response.status_code in (413, 422) and not Case.objects.exists()


def test_a_bomb_of_pixels(client, fields):
    made = io.BytesIO()
    Image.new("1", (9000, 9000)).save(made, "PNG")
    response = send(client, fields(photos=SimpleUploadedFile("a.png", made.getvalue(), "image/png")))
    assert response.status_code == 422 and not Case.objects.exists()


def test_a_closed_category(client, town, fields):
    from toguna.engines.cases.api import Topic

    Topic.objects.filter(slug="pothole").update(active=False)
    assert client.get(NEW).url == "/reports/new"
    assert send(client, fields()).status_code == 422  # what was typed is kept: see test_setup
    assert not Case.objects.exists()


def test_limits_are_per_device_and_phone(client, fields, django_user_model):
    client.get(NEW)  # gives the device its cookie
    codes = [send(client, fields()).status_code for _ in range(22)]
    assert codes == [302] * 20 + [429] * 2
    from django.test import Client

    other = Client()  # the same address, another telephone
    other.get(NEW)
    assert send(other, fields()).status_code == 302


def test_one_phone_on_many_devices(fields, town):
    from django.test import Client

    def from_new_device():
        device = Client()
        device.get(NEW)
        return send(device, fields(contact="+22370000001")).status_code

    assert [from_new_device() for _ in range(21)] == [302] * 20 + [429]


def test_nothing_half_done_when_the_database_stops(client, fields, picture, monkeypatch):
    from toguna.engines.cases import actions

    def broken(*_args, **_kwargs):
        raise RuntimeError("the power went")

    def kept() -> list[int]:
        tables = ("cases_case", "cases_step", "cases_photo", "people_person", "kernel_event", "procrastinate_jobs")
        with connection.cursor() as cursor:
            counts = []
            for table in tables:
                cursor.execute(f"SELECT count(*) FROM {table}")
                counts.append(cursor.fetchone()[0])
            return counts

    before = kept()
    monkeypatch.setattr(actions, "publish", broken)
    client.raise_request_exception = False
    values = fields(contact="+22370000001", photos=SimpleUploadedFile("a.jpg", picture, "image/jpeg"))
    assert send(client, values).status_code == 500
    assert kept() == before
    monkeypatch.undo()
    values["photos"] = SimpleUploadedFile("a.jpg", picture, "image/jpeg")
    code_of(send(client, values))


def test_statements_of_a_report(client, fields, django_assert_max_num_queries):
    client.get(NEW)
    send(client, fields())
    with django_assert_max_num_queries(20):
        code_of(send(client, fields(contact="+22370000001", name="Awa")))


def test_statements_of_the_lists(client, hire, opened, town, django_assert_max_num_queries):
    cases = [opened(lon=0.1 + n / 100) for n in range(60)]
    assert len(cases) == 60
    with django_assert_max_num_queries(6):
        page = client.get(f"/reports/?zone={town.north.pk}&state=open")
    assert page.content.decode().count('<li class="item">') == 50 and page.context["after"]
    rest = client.get("/reports/", {"after": page.context["after"]})
    assert rest.content.decode().count('<li class="item">') == 10
    manager = hire("manager", zone=town.whole.pk)
    manager.get("/desk/reports/")
    with django_assert_max_num_queries(12):
        page = manager.get("/desk/reports/")
    assert page.content.decode().count('<li class="item">') == 50
    seen = {c.code for c, _s, _l in page.context["rows"]}
    rest = manager.get("/desk/reports/", {"after": page.context["after"]})
    assert {c.code for c, _s, _l in rest.context["rows"]} | seen == {c.code for c in cases}


@pytest.mark.parametrize(
    "query",
    [
        "zone=x",
        "zone=99999999999999999999",
        "state=nope",
        "topic=nope",
        "after=zzz",
        "code=%00",
        "zone=²",
        "after=²",
        "after=2026-13-45T00:00:00~5",
        "after=2026-01-01T00:00:00~5",
    ],
)
def test_filters_never_break(client, hire, opened, query):
    opened()
    assert client.get(f"/reports/?{query}").status_code == 200
    assert hire("manager").get(f"/desk/reports/?{query}").status_code == 200
