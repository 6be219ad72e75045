"""What a resident meets beside the plain form: questions, stop messages, the very lamp, others who reported it, the answer."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.gis.geos import Point
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.cases import notices
from toguna.engines.channels.models import Message
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.access import SYSTEM
from toguna.services.reports import topics

NEW = "/reports/new/pothole"
QUESTIONS = [
    {"name": "depth", "kind": "number", "label": {"en": "How deep?"}, "required": True},
    {
        "name": "whose",
        "kind": "singlevaluelist",
        "label": {"en": "Whose road is it?"},
        "values": [
            {"key": "town", "name": {"en": "The town's"}},
            {"key": "state", "name": {"en": "The state's"}, "stop": {"en": "Call the roads office: 8000."}},
        ],
    },
    {"name": "more", "kind": "text", "label": {"en": "Anything else?"}},
]


@pytest.fixture
def category(town):
    """category(field=value) changes the category of potholes."""

    def change(**fields):
        cases.Topic.objects.filter(slug="pothole").update(**fields)
        topics.forget()
        return cases.Topic.objects.get(slug="pothole")

    return change


def code_of(response) -> str:
    assert response.status_code == 302, response.content.decode()[-3000:]
    return response.url.rsplit("/", 1)[-1].partition("?")[0]


def text_of(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def test_extra_questions_are_asked_kept_and_shown(client, category, fields, hire):
    category(questions=QUESTIONS)
    assert "How deep?" in text_of(client.get(NEW, {"position": "0.5, 0.5"}))
    refused = client.post(NEW, fields(q_depth="", q_whose="town", q_more="x"))
    assert refused.status_code == 422 and "How deep?" in text_of(refused) and "Un grand trou" in text_of(refused)
    assert not cases.Case.objects.exists()
    code = code_of(client.post(NEW, fields(q_depth="0,4", q_whose="town", q_more="Mme Awa, porte 12")))
    assert cases.Case.objects.get(code=code).answers == {"depth": 0.4, "whose": "town", "more": "Mme Awa, porte 12"}
    public = text_of(client.get(f"/reports/{code}"))
    assert "The town&#x27;s" in public and "Mme Awa" not in public


def test_an_answer_may_stop_it_and_keeps_the_words(client, category, fields):
    category(questions=QUESTIONS)
    page = client.post(NEW, fields(q_depth="1", q_whose="state"))
    assert page.status_code == 422 and "Call the roads office: 8000." in text_of(page)
    assert not cases.Case.objects.exists()


def test_a_category_that_is_not_the_towns_says_who_to_call(client, category, fields):
    category(stop={"en": "The water company: 8001", "fr": "La société des eaux : 8001"})
    assert "société des eaux" in text_of(client.get(NEW, headers={"accept-language": "fr"}))
    assert "8001" in text_of(client.post(NEW, fields()))
    answer = client.post(
        "/api/v1/reports", {"category": "pothole", "text": "x", "lon": 0.5, "lat": 0.5}, content_type="application/json"
    )
    assert answer.status_code == 422
    assert not cases.Case.objects.exists()


def test_a_category_closed_while_somebody_writes(client, category, fields):
    assert client.get(NEW, {"position": "0.5, 0.5"}).status_code == 200
    category(active=False)
    answer = client.post(NEW, fields(), follow=True)
    assert "fermée" in text_of(answer) and not cases.Case.objects.exists()


def test_the_place_comes_first_and_is_said_in_words(client, town):
    page = client.get(NEW, {"position": "0.5, 0.5"})
    assert "Nord" in text_of(page) and 'name="position" value="0.500000, 0.500000"' in text_of(page)
    assert client.get(NEW, {"position": "50, 50"}).status_code == 422  # outside the town: said at once
    assert client.get(NEW, {"district": town.south.pk}).status_code == 200
    assert "data-map-pick" in text_of(client.get(NEW, {"all": "1"}))


def test_the_very_lamp_is_picked(client, category, fields, town):
    layer = Layer.objects.create(slug="lamps", names={"fr": "Lampadaires"}, public=True)
    near, far = (
        Feature.objects.create(
            layer=layer, source=f"t:{n}", name=f"Lamp {n}", kind="lamp", geom=Point(lon, 0.5, srid=4326)
        )
        for n, lon in ((1, 0.5001), (2, 0.9))
    )
    category(layer="lamps")
    page = text_of(client.get(NEW, {"position": "0.5, 0.5"}))
    assert f'name="asset" value="{near.pk}"' in page and f'value="{far.pk}"' not in page
    code = code_of(client.post(NEW, fields(asset=near.pk)))
    assert cases.Case.objects.get(code=code).asset == near
    other = code_of(client.post(NEW, fields(asset=10**15)))  # not a lamp: the report counts, without it
    assert cases.Case.objects.get(code=other).asset is None


def test_me_too(client, opened, fields, run_jobs):
    case = opened(text="Trou profond", email="first@example.org")
    page = text_of(client.get(NEW, {"position": "0.5001, 0.5"}))
    assert "Trou profond" in page and f"/reports/{case.code}/me-too" in page
    for _ in range(3):  # pressed three times by one telephone
        assert client.post(f"/reports/{case.code}/me-too", {"contact": "me@example.org"}).status_code == 302
    case.refresh_from_db()
    assert case.supporters == 1
    cases.move(case.pk, "solve", by=SYSTEM, words="Rebouché")
    run_jobs()
    told = Message.objects.filter(address="me@example.org")
    assert told.count() == 1 and "key=" not in told.get().text  # what a follower is sent opens nothing more
    assert client.post(f"/reports/{case.code}/me-too", follow=True).status_code == 200  # closed: said, not counted
    case.refresh_from_db()
    assert case.supporters == 1


def test_me_too_leads_to_what_it_was_merged_into(client, opened):
    main, other = opened(), opened()
    cases.merge(main.pk, [other.pk], by=SYSTEM)
    assert client.post(f"/reports/{other.code}/me-too").url == f"/reports/{main.code}"
    assert main.code[:3] in text_of(client.get(f"/reports/{other.code}"))


def test_nobody_reads_of_private_reports_near_theirs(client, opened):
    case = opened(text="Mon voisin, M. Traoré")
    cases.Case.objects.filter(pk=case.pk).update(public=False)
    assert "Traoré" not in text_of(client.get(NEW, {"position": "0.5, 0.5"}))
    assert client.post(f"/reports/{case.code}/me-too").status_code == 404


def test_the_person_is_asked_once_and_answers(client, opened, run_jobs, category):
    category(ask_days=28)
    old, young, nobody = opened(email="awa@example.org"), opened(email="b@example.org"), opened()
    long_ago = timezone.now() - timedelta(days=29)
    cases.Case.objects.filter(pk__in=[old.pk, nobody.pk]).update(created=long_ago)
    for _ in range(2):
        notices.ask_solved()
    run_jobs()
    asked = Message.objects.filter(key__startswith="case.asked")
    assert [m.address for m in asked] == ["awa@example.org"]
    link = re.search(r"/reports/\S+", asked.get().text).group()
    page = text_of(client.get(link))
    assert 'value="confirm"' in page and 'value="words"' in page
    key = cases.key_of(old)
    client.post(f"/reports/{old.code}/answer", {"key": key, "transition": "words", "words": "Il est plus grand"})
    client.post(f"/reports/{old.code}/answer", {"key": key, "transition": "confirm"})
    old.refresh_from_db()
    assert old.state == "solved"
    run_jobs()
    assert Message.objects.filter(address="voirie@town.test", text__contains="plus grand").exists()
    client.post(f"/reports/{old.code}/answer", {"key": key, "transition": "rate", "stars": "4"})
    client.post(f"/reports/{old.code}/answer", {"key": key, "transition": "rate", "stars": "9"})
    client.post(f"/reports/{old.code}/answer", {"key": "x", "transition": "rate", "stars": "1"})
    old.refresh_from_db()
    assert old.rating == 4
    assert young.asked is None


@pytest.mark.parametrize(("days", "state"), [(3, "accepted"), (8, "solved")])
def test_it_opens_again_within_the_time_of_its_category(client, opened, category, days, state):
    category(reopen_days=7)
    case = opened()
    cases.move(case.pk, "solve", by=SYSTEM)
    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=days))
    client.post(
        f"/reports/{case.code}/answer", {"key": cases.key_of(case), "transition": "contest", "words": "Toujours là"}
    )
    case.refresh_from_db()
    assert case.state == state


def test_the_same_by_the_api(client, category, opened):
    category(questions=QUESTIONS)
    body = {"category": "pothole", "text": "x", "lon": 0.5, "lat": 0.5}
    assert client.post("/api/v1/reports", body, content_type="application/json").status_code == 422
    answer = client.post(
        "/api/v1/reports", {**body, "answers": {"depth": 3, "whose": "town"}}, content_type="application/json"
    )
    assert answer.status_code == 201, answer.content
    code = answer.json()["code"]
    for counted in (True, False):
        support = client.post(
            f"/api/v1/reports/{code}/support", {"phone": "+22370000002"}, content_type="application/json"
        )
        assert support.json() == {"code": code, "counted": counted, "supporters": 1}
    assert client.get(f"/api/v1/reports/{code}").json()["supporters"] == 1
    kinds = {c["slug"]: c for c in client.get("/api/v1/reports/categories").json()}
    assert [q["name"] for q in kinds["pothole"]["questions"]] == ["depth", "whose", "more"]
