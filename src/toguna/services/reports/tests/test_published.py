"""What the town shows of its reports: tiles, figures, open data."""

from __future__ import annotations

import csv
import io
import json

import pytest

from toguna.engines.cases import api as cases
from toguna.engines.cases.api import Topic
from toguna.engines.indicators import api as indicators
from toguna.kernel.access import SYSTEM

# The tiles that hold longitude 0.5, latitude 0.5.
CLOSE, FAR = "14/8214/8169", "10/513/510"


@pytest.fixture
def three(opened, town):
    """An open report, a solved one, and one of a private category, in the same place."""
    town.topics["noise"].public = False
    town.topics["noise"].save()
    first, second = opened(text="secret words"), opened("water-point", name="Moussa Diarra", phone="+22370000009")
    opened("noise")
    cases.move(second.pk, "solve", by=SYSTEM)
    return first, second


def test_tiles_show_public_reports_only(client, three):
    near = client.get(f"/tiles/reports/{CLOSE}.mvt")
    assert near.status_code == 200
    for case in three:
        assert case.code.encode() in near.content
    assert b"noise" not in near.content and b"secret" not in near.content and b"Moussa" not in near.content
    far = client.get(f"/tiles/reports/{FAR}.mvt")
    assert far.status_code == 200 and far.content and three[0].code.encode() not in far.content
    assert client.get(f"/tiles/reports/{CLOSE}.mvt", headers={"if-none-match": near["ETag"]}).status_code == 304
    cases.move(three[0].pk, "accept", by=SYSTEM)
    assert client.get(f"/tiles/reports/{CLOSE}.mvt", headers={"if-none-match": near["ETag"]}).status_code == 200


def test_open_data(client, three):
    answer = b"".join(client.get("/data/reports.csv")).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [(r["category"], r["state"], r["district"]) for r in rows] == [
        ("pothole", "received", "Nord"),
        ("water-point", "solved", "Nord"),
    ]
    whole = answer + b"".join(client.get("/data/reports.geojson")).decode()
    assert not any(word in whole for word in ("Moussa", "70000009", "secret", "noise"))
    features = json.loads(b"".join(client.get("/data/reports.geojson")))["features"]
    assert len(features) == 2 and features[0]["geometry"]["type"] == "Point"


@pytest.mark.parametrize("name", ["reports-opened", "reports-solved", "reports-in-time", "reports-days"])
def test_figures(client, three, name):
    indicators.refresh_all()
    page = client.get(f"/figures/{name}")
    assert page.status_code == 200
    assert {"reports-opened": "3", "reports-solved": "33", "reports-in-time": "100", "reports-days": "0"}[
        name
    ] in page.content.decode()


def test_a_private_category_is_not_in_any_list(client, three):
    assert Topic.objects.filter(public=False).count() == 1
    for path in ("/reports/", "/api/v1/reports", "/api/v1/reports?format=geojson", "/open311/v2/requests.json", "/"):
        assert "noise" not in client.get(path).content.decode().replace('value="noise"', "")
