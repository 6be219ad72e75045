"""The statistics page: figures, filters that never break it, and the same as CSV."""

from __future__ import annotations

import csv
import io

import pytest

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM


@pytest.fixture
def some(opened):
    rows = [opened(), opened(), opened("street-light", lon=1.5)]
    cases.move(rows[0].pk, "solve", by=SYSTEM)
    cases.move(rows[1].pk, "refuse", by=SYSTEM, words="non")
    return rows


def test_what_it_says(client, some, django_assert_max_num_queries):
    client.get("/reports/stats/")
    with django_assert_max_num_queries(8):
        page = client.get("/reports/stats/").content.decode()
    assert "Nord" in page and "Sud" in page and "<svg" in page


def test_the_same_as_a_table(client, some):
    rows = list(csv.DictReader(io.StringIO(client.get("/reports/stats/?format=csv").content.decode())))
    by = {(r["by"], r["name"]): r for r in rows}
    assert by["district", "Nord"]["received"] == "2" and by["district", "Nord"]["solved"] == "1"
    assert by["district", "Sud"]["open"] == "1"
    assert sum(int(r["received"]) for r in rows if r["by"] == "month") == 3
    assert sum(int(r["received"]) for r in rows if r["by"] == "category") == 3


@pytest.mark.parametrize(
    "query",
    [
        "zone=x",
        "zone=99999999999999999999",
        "topic=nope",
        "period=0",
        "period=3",
        "zone={north}",
        "topic=pothole",
        "zone={north}&topic=pothole",
    ],
)
def test_filters_never_break(client, some, town, query):
    address = f"/reports/stats/?{query.format(north=town.north.pk)}"
    assert client.get(address).status_code == 200
    assert ("Sud" in client.get(f"{address}&format=csv").content.decode()) is (
        "north" not in query and "pothole" not in query
    )


def test_an_empty_town(client, town):
    assert client.get("/reports/stats/").status_code == 200
