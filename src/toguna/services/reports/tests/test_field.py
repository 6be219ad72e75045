"""The inspector's day at the town hall's side: the round, who may, and a sync that is replayed, reordered and cut."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM, Actor, Grant
from toguna.services.reports.field import records, rounds, urls

POINTS = st.lists(st.tuples(st.floats(-9, -8), st.floats(13, 14)), max_size=25)


@given(st.tuples(st.floats(-9, -8), st.floats(13, 14)), POINTS)
def test_a_round_visits_each_once_and_is_never_longer(start, stops):
    order = rounds.ordered(start, stops)
    assert sorted(order) == list(range(len(stops)))
    assert rounds.length(start, stops, order) <= rounds.length(start, stops, range(len(stops))) + 0.02


def test_a_round_is_the_obvious_one_on_a_line():
    assert rounds.ordered((0, 0), [(0.3, 0), (0.1, 0), (0.2, 0)]) == [1, 2, 0]
    assert rounds.metres((0, 0), (0, 1)) == pytest.approx(111_195, rel=1e-4)


PRIVATE = {"field", "field-app", "field-me", "field-day"}


@pytest.mark.parametrize(("role", "expected"), [("nobody", 302), ("", 403), ("reader", 403), ("agent", 200)])
def test_only_who_works_on_reports(role, expected, hire, opened):
    from django.urls import reverse

    opened()
    client = Client() if role == "nobody" else hire(role)
    assert {p.name for p in urls.urlpatterns} == PRIVATE | {
        "field-sync",
        "field-photo",
        "field-worker",
        "field-manifest",
    }
    for name in sorted(PRIVATE):
        assert client.get(reverse(name)).status_code == expected, name
    for name in ("field-sync", "field-photo"):
        assert client.post(reverse(name)).status_code == (
            expected if expected != 200 else 400 if "sync" in name else 403
        )
    assert client.get(reverse("field-worker")).status_code == client.get(reverse("field-manifest")).status_code == 200


def sent(client: Client, *rows: dict, account: int | None = None) -> list[dict]:
    body = json.dumps({"account": account or client.account.pk, "records": rows})
    answer = client.post("/field/sync", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def visit(code: str, **more) -> dict:
    return {"id": str(uuid.uuid4()), "kind": "visit", "case": code, **more}


def test_the_day_holds_nothing_of_who_reported(hire, opened, town):
    opened(name="Awa Secret", phone="+22370000001", text="Un trou")
    agent = hire("agent", teams=[town.roads])
    day = agent.get("/field/day").json()
    assert [c["words"] for c in day["cases"]] == ["Un trou"] and "Secret" not in json.dumps(day)
    assert hire("agent", zone=town.south.pk).get("/field/day", {"zone": town.north.pk}).json()["cases"] == []


def test_what_cannot_be_done_is_kept_and_said(hire, opened, town):
    case, agent = opened(), hire("agent", teams=[town.roads])
    slip = agent.get("/field/day").json()["cases"][0]["slip"]
    cases.move(case.pk, "solve", by=SYSTEM)
    row = visit(case.code, transition="refuse", words="Pas chez nous", seen="received", note="vu", minutes="20")
    for _replay in range(2):
        (result,) = sent(agent, row)
        if _replay == 0:
            assert result["state"] == "kept" and result["says"]
    case.refresh_from_db()
    notes = case.steps.filter(action="noted").values_list("text", flat=True)
    assert case.state == "solved" and len(notes) == 2 and "Pas chez nous" in notes[0]
    assert [w.minutes for w in case.works.all()] == [20]
    # Another's meanwhile: with the slip of the morning the words are kept, without it nothing is written.
    stranger = hire("agent", zone=town.south.pk)
    (result,) = sent(stranger, visit(case.code, note="x", slip=slip))
    assert result["state"] == "refused" and case.steps.filter(action="noted").count() == 2


def test_a_report_that_became_anothers_keeps_the_words(hire, opened, town):
    case, agent = opened(), hire("agent", zone=town.north.pk)
    slip = agent.get("/field/day", {"zone": town.north.pk}).json()["cases"][0]["slip"]
    cases.Case.objects.filter(pk=case.pk).update(zone=town.south)
    (result,) = sent(agent, visit(case.code, slip=slip, transition="solve", words="Fait", cost="500"))
    assert result["state"] == "kept"
    assert case.steps.filter(action="noted", account=agent.account.pk).count() == 2
    case.refresh_from_db()
    assert case.state == "received" and not case.works.exists()


def test_only_the_account_that_did_the_work_sends_it(hire, opened):
    first, second = hire("agent"), hire("agent")
    body = json.dumps({"account": first.account.pk, "records": [visit(opened().code, note="x")]})
    assert second.post("/field/sync", body, content_type="application/json").status_code == 403
    assert not cases.Step.objects.filter(action="noted").exists()


@pytest.mark.parametrize("wrong", [
    {}, {"id": "x"}, {"id": None, "kind": "report"}, {"minutes": "many"}, {"cost": "1e999"}, {"case": "NOSUCH"},
    {"minutes": "9" * 30}, {"transition": "fly"}, {"kind": "report", "topic": "pothole", "words": "x", "lon": "nan", "lat": 0},
    {"kind": "report", "topic": "pothole", "words": "x"}, {"kind": "report", "topic": "none", "words": "x"},
])  # fmt: skip
def test_wrong_records_are_answered(wrong, hire, opened):
    row = wrong if wrong in ({}, {"id": "x"}) else {**visit(opened().code), **wrong}
    (result,) = sent(hire("agent"), row)
    assert result["state"] == "refused" and result["says"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_sync_replayed_reordered_and_cut(data, opened):
    case = opened()
    by = Actor(account=None, staff=True, grants=(Grant("agent"),))
    rows = [
        visit(case.code, note="note", minutes=5),
        visit(case.code, words="réponse"),
        visit(case.code, transition="accept", words="vu", seen="received"),
        {"id": str(uuid.uuid4()), "kind": "report", "topic": "pothole", "words": "autre", "lon": 0.5, "lat": 0.5},
    ]
    again = data.draw(st.lists(st.sampled_from(range(len(rows))), max_size=12))
    order = data.draw(st.permutations([*range(len(rows)), *again]))
    for n in order:
        assert records.apply(rows[n], by=by).state == "sent"
    kinds = list(case.steps.order_by("action").values_list("action", flat=True))
    assert kinds == sorted(["opened", "noted", "worked", "replied", "moved"])
    assert case.works.count() == 1 and cases.Case.objects.filter(text="autre", client_id=rows[3]["id"]).count() == 1


def test_photos_come_once_and_after_their_report(hire, opened, picture):
    from django.core.files.uploadedfile import SimpleUploadedFile

    agent, case = hire("agent"), opened()
    row = {"id": str(uuid.uuid4()), "kind": "report", "topic": "pothole", "words": "vu", "lon": 0.5, "lat": 0.5}

    def photo(**about) -> str:
        body = {"account": agent.account.pk, "id": str(uuid.uuid4()), **about}
        for _replay in range(2):
            file = SimpleUploadedFile("p.jpg", picture, "image/jpeg")
            answer = agent.post("/field/photo", {**body, "photo": file}).json()
        return answer["state"]

    assert photo(report=row["id"]) == "waiting"  # not there yet
    sent(agent, row)
    assert photo(report=row["id"]) == "sent" and photo(case=case.code, moment="after") == "sent"
    assert photo(case=case.code, moment="later") == "refused"
    assert cases.Photo.objects.count() == 2
