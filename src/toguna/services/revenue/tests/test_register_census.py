"""A day of counting that comes back: each record once, duplicates found, photos without what they know of the phone."""

from __future__ import annotations

import io
import json
import uuid

import pytest
from PIL import Image

from toguna.services.revenue.models import Taxed, Taxpayer


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def record(**more):
    return {
        "id": str(uuid.uuid4()), "base": "etal", "name": "Awa Traoré", "phone": "70 00 00 01", "words": "Place 7", "measures": {"m2": "4"},
        "lat": 12.0051, "lon": -0.995, "accuracy": 8, "at": "2001-01-01T08:00:00Z", **more,
    }  # fmt: skip


def sync(client, *records):
    body = {"account": client.account.pk, "records": list(records)}
    return client.post("/census/sync", json.dumps(body), content_type="application/json").json()["results"]


def test_counted_once_whatever_is_sent_again(hire, zongo):
    agent, one = hire(), record()
    first, again = sync(agent, one)[0], sync(agent, one)[0]
    assert first["state"] == again["state"] == "sent" and first["code"] == again["code"]
    thing = Taxed.objects.get()
    assert (thing.state, thing.zone, thing.street_name, thing.measures) == ("seen", zongo, "Rue du Marché", {"m2": "4"})
    assert thing.seen.year > 2001  # a clock that is wrong by years is not believed


def test_what_is_there_already_is_seen_and_who_is_there_is_known(hire):
    agent = hire()
    sync(agent, record())
    again = sync(agent, record(name="TRAORE Awa", lat=12.00512))[0]
    assert "seen again" in again["says"] and Taxed.objects.count() == 1
    second = sync(agent, record(words="Place 8"))[0]
    assert "in the register" in second["says"] and Taxpayer.objects.count() == 1 and Taxed.objects.count() == 2
    other = sync(agent, record(name="Awa Traorey", words="Place 9"))[0]
    assert "Perhaps the same as Awa" in other["says"] and Taxpayer.objects.count() == 2


def test_what_is_wrong_stays_on_the_tablet_and_says_why(hire, plateau):
    agent = hire(zone=plateau.pk)
    results = sync(
        agent,
        record(),
        record(lon=-0.97, measures={"m2": "many"}),
        record(lon=-0.97, name=""),
        {"id": "x"},
        record(lon=-0.97),
    )
    assert [one["state"] for one in results] == ["refused", "refused", "refused", "refused", "sent"]
    assert "district" in results[0]["says"] and Taxed.objects.count() == 1
    assert (
        agent.post(
            "/census/sync", json.dumps({"account": 0, "records": []}), content_type="application/json"
        ).status_code
        == 403
    )


def test_a_photo_is_drawn_anew_and_kept_for_staff(hire, client):
    agent, one, key = hire(), record(), str(uuid.uuid4())
    picture = io.BytesIO()
    made = Image.new("RGB", (2000, 1000), "green")
    exif = made.getexif()
    exif[0x010F] = "Secret Maker"
    made.save(picture, "JPEG", exif=exif)

    def sent():
        picture.seek(0)
        return agent.post(
            "/census/photo", {"account": agent.account.pk, "id": key, "of": one["id"], "photo": picture}
        ).json()["state"]

    assert sent() == "waiting"  # before its record
    code = sync(agent, one)[0]["code"]
    assert sent() == sent() == "sent"
    shown = agent.get(f"/desk/register/thing/{code}/photo.jpg")
    raw = b"".join(shown.streaming_content)
    assert Image.open(io.BytesIO(raw)).size == (1200, 600) and b"Secret" not in raw
    assert client.get(f"/desk/register/thing/{code}/photo.jpg").status_code != 200


def test_the_page_holds_nobody_and_works_as_an_app(hire, stall):
    stall("Fatou Diarra")
    agent = hire()
    page = agent.get("/census/app").content.decode()
    assert "Fatou" not in page and 'data-for="stationnement"' in page and "revenue/census" in page
    worker = agent.get("/census/worker.js")
    assert worker["Service-Worker-Allowed"] == "/census/" and "census" in worker.content.decode()
    assert agent.get("/census/app.webmanifest").json()["start_url"] == "/census/app"
