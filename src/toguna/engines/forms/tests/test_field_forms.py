"""What was filled in on a phone without network, when it gets here: once, checked, nothing lost. Through HTTP."""

from __future__ import annotations

import io
import json
import uuid
from typing import Any

import pytest
from django.test import Client
from PIL import Image

from toguna.engines.forms import actions, reads
from toguna.engines.forms.models import Filling, Form
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import ADMINISTRATOR, Actor, Grant

pytestmark = pytest.mark.django_db
CLERK = Actor(account=1, name="Clerk", staff=True, grants=(Grant(ADMINISTRATOR),))
WELL: dict[str, Any] = {
    "name": "well",
    "titles": {"en": "Well", "fr": "Puits"},
    "languages": ["en", "fr"],
    "items": [
        {"name": "place", "kind": "text", "label": {"en": "Which well?"}, "required": True},
        {"name": "depth", "kind": "decimal", "label": {"en": "Depth (m)"}, "constraint": ". < 100", "constraint_message": {"en": "Not so deep."}},
        {"name": "dry", "kind": "select_one", "list": "yes_no", "label": {"en": "Is it dry?"}},
        {"name": "since", "kind": "date", "label": {"en": "Since when?"}, "relevant": "${dry} = 'yes'", "required": True},
        {"name": "photo", "kind": "image", "label": {"en": "Photo"}},
        {"name": "users", "kind": "repeat", "label": {"en": "Users"}, "items": [
            {"name": "name", "kind": "text", "label": {"en": "Name"}, "required": True},
        ]},
    ],
    "choices": {"yes_no": [{"name": "yes", "label": {"en": "Yes"}}, {"name": "no", "label": {"en": "No"}}]},
}  # fmt: skip


def offered(**changes: Any) -> Form:
    form = actions.save_draft_form("well", {**WELL, **changes}, service="forms", field=True, by=CLERK)
    actions.publish(form, by=CLERK)
    form.refresh_from_db()
    return form


def surveyor(role: str = "agent") -> Client:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test",
        password="long enough to be one",
        name="S",
        grants=[(role, "forms", None)],
    )
    client = Client(headers={"accept-language": "en"})
    sign_in(client, account)
    client.account = account.pk  # type: ignore[attr-defined]
    return client


def record(form: Form, answers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "id": str(uuid.uuid4()),
        "form": form.slug,
        "version": form.current.version,
        "language": "en",
        "answers": answers,
        **more,
    }


def send(client: Client, *rows: dict[str, Any], account: int | None = None) -> list[dict[str, Any]]:
    body = {"account": account or client.account, "records": list(rows)}
    answer = client.post("/field/forms/sync", json.dumps(body), content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def photo() -> io.BytesIO:
    made = io.BytesIO()
    Image.new("RGB", (40, 30), (200, 90, 20)).save(made, "JPEG")
    made.seek(0)
    made.name = "photo.jpg"
    return made


def test_forms_are_fetched_once_and_again_when_one_changed():
    form, client = offered(), surveyor()
    first = client.get("/field/forms/package")
    (told,) = first.json()["forms"]
    assert told["slug"] == "well" and told["version"] == form.current.version and told["steps"]
    assert client.get("/field/forms/package", headers={"if-none-match": first["ETag"]}).status_code == 304
    offered(items=WELL["items"][:2])
    again = client.get("/field/forms/package", headers={"if-none-match": first["ETag"]})
    assert again.status_code == 200 and again.json()["forms"][0]["version"] != told["version"]


def test_a_record_becomes_one_filling_however_often_it_is_sent():
    form, client = offered(), surveyor()
    row = record(form, {"place": "Near the mosque", "depth": "12.50", "users": [{"name": "Awa"}, {"name": "Ali"}]})
    (first,), (again,) = send(client, row), send(client, row)
    assert first == again and first["state"] == "sent"
    kept = Filling.objects.get()
    assert kept.channel == "field" and kept.values["depth"] == "12.50" and kept.state == Filling.State.COMPLETE
    assert [one["name"] for one in kept.values["users"]] == ["Awa", "Ali"]


def test_what_is_wrong_is_said_beside_its_question_and_taken_when_corrected():
    form, client = offered(), surveyor()
    row = record(form, {"place": "A", "depth": "500", "dry": "yes"})
    (told,) = send(client, row)
    assert told["state"] == "refused" and told["errors"]["depth"] == "Not so deep." and "since" in told["errors"]
    row["answers"] |= {"depth": "50", "since": "2026-01-02"}
    assert send(client, row)[0]["state"] == "sent"
    assert Filling.objects.get().values["since"] == "2026-01-02"


def test_photos_come_first_and_a_record_waits_for_those_that_did_not():
    form, client = offered(), surveyor()
    file = str(uuid.uuid4())
    row = record(form, {"place": "A", "photo": file})
    (told,) = send(client, row)
    assert told["state"] == "waiting" and told["missing"] == [file]
    about = {"account": client.account, "id": file, "record": row["id"], "form": "well", "version": row["version"]}
    for _twice in range(2):
        answer = client.post("/field/forms/file", {**about, "file": photo()})
        assert answer.json()["state"] == "sent"
    assert send(client, row)[0]["state"] == "sent"
    assert len(reads.definition_of(form.current_id).items) and Filling.objects.get().values["photo"] != file
    broken = io.BytesIO(b"not a photo")
    broken.name = "photo.jpg"
    refused = client.post(
        "/field/forms/file", {**about, "id": str(uuid.uuid4()), "record": str(uuid.uuid4()), "file": broken}
    )
    assert refused.json()["state"] == "refused" and refused.json()["says"]


def test_the_form_of_the_morning_is_the_form_of_its_records():
    form, client = offered(), surveyor()
    row = record(form, {"place": "A", "users": [{"name": "Awa"}]})
    offered(items=WELL["items"][:1])  # changed and closed to the field during the day
    actions.offer(form, active=False, field=False, by=CLERK)
    assert send(client, row)[0]["state"] == "sent"
    assert Filling.objects.get().version.version == row["version"]


@pytest.mark.parametrize(
    "change",
    [
        {"form": "unknown"}, {"version": "0"}, {"id": "x"}, {"answers": []}, {"answers": {"other": 1}},
        {"answers": {"place": "A", "photo": "../etc/passwd"}}, {"answers": {"place": "A", "users": "x"}},
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_in_words(change):
    form, client = offered(), surveyor()
    (told,) = send(client, {**record(form, {"place": "A"}), **change})
    assert told["state"] == "refused" and (told["says"] or told["errors"])
    assert not Filling.objects.filter(state=Filling.State.COMPLETE).exists()


def test_nobody_sends_anothers_work_and_only_surveyors_send_at_all():
    form, client, other = offered(), surveyor(), surveyor()
    row = record(form, {"place": "A"})
    body = json.dumps({"account": client.account, "records": [row]})
    assert other.post("/field/forms/sync", body, content_type="application/json").status_code == 403
    assert send(client, row)[0]["state"] == "sent"
    (told,) = send(other, row)  # the same number by somebody else
    assert told["state"] == "refused"
    for path in ("/field/forms", "/field/forms/package", "/field/forms/me"):
        assert Client().get(path).status_code == 302
        assert surveyor("reader").get(path).status_code == 403
    many = json.dumps({"account": client.account, "records": [row] * 11})
    assert client.post("/field/forms/sync", many, content_type="application/json").status_code == 413
    assert client.post("/field/forms/sync", "{", content_type="application/json").status_code == 400
