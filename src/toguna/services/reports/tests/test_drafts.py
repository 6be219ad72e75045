"""What a telephone keeps to report without network: what the server gives it."""

from __future__ import annotations

import gzip
import json
import re
import uuid
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from toguna.engines.cases import api as cases
from toguna.services.reports import topics


def version(client: Client, **headers: str) -> str:
    found = re.search(r'CACHE = "(\S+)"', client.get("/reports/drafts/worker.js", headers=headers).content.decode())
    assert found
    return found[1]


def test_the_worker_may_serve_the_report_pages(client, town):
    answer = client.get("/reports/drafts/worker.js")
    assert answer["Service-Worker-Allowed"] == "/reports/" and answer["Content-Type"] == "text/javascript"
    assert answer["Cache-Control"] == "no-cache"
    text = answer.content.decode()
    files = json.loads(re.search(r"FILES = (\[.*?\])", text)[1])  # type: ignore[index]
    assert all(path.startswith("/static/") for path in files) and len(files) == 6


def test_the_worker_changes_with_the_questions_the_districts_and_the_language(client, town):
    before = version(client)
    assert version(client) == before
    assert version(client, accept_language="pt") != before
    town.topics["pothole"].questions = [{"name": "depth", "kind": "number", "label": {"fr": "Profondeur (cm)"}}]
    town.topics["pothole"].save()
    topics.forget()
    assert version(client) != before


def test_who_holds_the_id_gets_the_code_and_the_key(client, opened):
    mine = uuid.uuid4()
    case = opened(client_id=mine)
    answer = client.get(f"/reports/drafts/{mine}")
    assert answer.json() == {"code": case.code, "url": f"/reports/thanks/{case.code}?key={cases.key_of(case)}"}
    assert answer["Cache-Control"] == "no-store"
    assert client.get(f"/reports/drafts/{uuid.uuid4()}").status_code == 404
    assert client.get("/reports/drafts/1").status_code == 404


def test_the_query_that_says_that_it_is_kept_changes_nothing(client, town, fields):
    values = fields()
    answers = [client.post("/reports/new/pothole?kept", values) for _n in range(2)]
    assert [a.status_code for a in answers] == [302, 302] and answers[0].url == answers[1].url
    assert cases.Case.objects.count() == 1


@pytest.mark.parametrize("path", ["/reports/new", "/reports/new/pothole?all=1", "/reports/new/water-point?all=1"])
def test_the_page_and_its_scripts_are_light(client, town, path):
    parts = [client.get(path).content]
    for name in ("toguna.css", "toguna.js", "territory/map.js", "reports/drafts.js", "offline.js"):
        found = finders.find(name)
        assert found
        parts.append(Path(found).read_bytes())
    weight = sum(len(gzip.compress(part)) for part in parts)
    assert weight < 30_000, weight
