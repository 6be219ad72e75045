"""What is counted adds up, from the blocks to the town; and the pages say it to everyone."""

import csv
import io
import re
import uuid
import zlib
from dataclasses import replace
from datetime import date

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.test import Client
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.indicators import charts, counting
from toguna.engines.indicators.api import Measure
from toguna.engines.indicators.models import Snapshot
from toguna.engines.people import api as people
from toguna.engines.people import testing
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel import registry
from toguna.kernel.manifest import Service


def this_month() -> date:
    return counting.month_back(date.today(), 0)


ROWS = (
    "SELECT id AS zone_id, date_trunc('month', current_date)::date AS month, id AS numerator, 2 * id AS denominator "
    "FROM territory_zone WHERE level = 2 AND current_date >= %(since)s"
)
OPENED = Measure("test.opened", "Opened", "Counted so.", ROWS, unit="reports")
SHARE = Measure("test.share", "Share", "Counted so.", ROWS, kind="ratio", better="up")
SECRET = Measure("test.secret", "Secret", "Counted so.", ROWS, permission="indicators.read")


@pytest.fixture
def town(db, monkeypatch):
    monkeypatch.setitem(registry._services, "test", Service("test", provides=(OPENED, SHARE, SECRET)))
    registry._declared.cache_clear()
    box = MultiPolygon(Polygon.from_bbox((0, 0, 1, 1)))
    whole = Zone.objects.create(level=0, name="Ville", source="t:0", geom=box)
    for name in ("Nord", "Sud"):
        Zone.objects.create(level=2, name=name, parent=whole, source=f"t:{name}", geom=box)
    zones.forget()
    for measure in (OPENED, SHARE, SECRET):
        counting.refresh(measure)
    yield whole
    zones.forget()
    registry._declared.cache_clear()


def test_districts_add_up_to_the_town_and_a_ratio_is_right_at_every_level(town):
    opened, share = counting.read([OPENED, SHARE])
    ids = list(Zone.objects.filter(level=2).values_list("id", flat=True))
    assert opened.total == sum(ids) == sum(v for _z, v in opened.by_zone())
    assert share.total == 50 and all(v == 50 for _z, v in share.by_zone())
    assert opened.values[-1] == sum(ids) and opened.values[0] is None  # what was not counted is not zero
    assert counting.read([OPENED], zone=ids[0])[0].total == ids[0]
    assert counting.read([OPENED], scope=lambda m: frozenset())[0].total == 0


def test_counting_again_changes_nothing(town):
    before = list(Snapshot.objects.order_by("measure", "zone").values_list("measure", "zone", "numerator"))
    counting.refresh(OPENED)
    counting.refresh(OPENED, everything=True)
    assert list(Snapshot.objects.order_by("measure", "zone").values_list("measure", "zone", "numerator")) == before


def test_old_months_are_counted_again_at_night_only(town):
    old = counting.month_back(this_month(), counting.MONTHS_AGAIN + 1)
    Snapshot.objects.create(measure=OPENED.name, month=old, numerator=99)
    counting.refresh(OPENED)
    assert Snapshot.objects.filter(month=old).exists()
    counting.refresh_older()
    assert not Snapshot.objects.filter(month=old).exists()


@pytest.mark.parametrize(("kind", "settles", "expected"), [("count", 0, 100), ("count", 1, 25), ("ratio", 0, 25)])
def test_the_trend_is_of_settled_months(town, kind, settles, expected):
    """Months back: 1-3 hold 4 each, 4-6 hold 2 each, older ones 4; this month, of which little is known yet, holds 50."""
    Snapshot.objects.all().delete()
    counted = [50, 4, 4, 4, 2, 2, 2, 4, 4]
    Snapshot.objects.bulk_create(
        Snapshot(measure="test.opened", month=counting.month_back(this_month(), n), numerator=value, denominator=8)
        for n, value in enumerate(counted)
    )
    (series,) = counting.read([replace(OPENED, kind=kind, settles=settles)], months=6)
    assert series.trend == pytest.approx(expected)
    assert series.settled == [True] * (5 - settles) + [False] * (1 + settles)


def test_the_trend_is_not_said_of_a_young_town(town):
    assert counting.read([OPENED])[0].trend is None


def test_the_pages_show_what_is_public_and_cost_few_statements(town, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        page = client.get("/figures/").content.decode()
    assert "Opened" in page and "Secret" not in page
    with django_assert_max_num_queries(8):
        one = client.get("/figures/test.opened?months=18")
    assert 'class="zones' in one.content.decode() and "<table" in one.content.decode()
    assert client.get("/figures/test.secret").status_code == 404
    assert client.get("/figures/none").status_code == 404
    assert client.get("/figures/test.opened?zone=abc&months=-1").status_code == 200
    assert client.get("/figures/test.opened?zone=²&months=12").status_code == 200
    assert client.get("/desk/figures/").status_code == 302


def test_twenty_districts_and_eighteen_months_cost_no_more(town, client, django_assert_max_num_queries):
    box = town.geom
    more = Zone.objects.bulk_create(
        [Zone(level=2, name=f"Quartier {n}", parent=town, source=f"t:more{n}", geom=box) for n in range(18)]
    )
    Snapshot.objects.bulk_create(
        Snapshot(measure=OPENED.name, zone=z, month=counting.month_back(this_month(), n), numerator=n)
        for z in more
        for n in range(18)
    )
    zones.forget()
    for path in ("/figures/?months=18", "/figures/test.opened?months=18"):
        with django_assert_max_num_queries(8):
            page = client.get(path)
    assert "Quartier 17" in page.content.decode()
    # A public page, without its style, stays small enough for a slow and costly line.
    assert len(zlib.compress(page.content)) < 15_000


def test_figures_come_out_as_csv(town, client):
    answer = client.get("/figures/test.share?format=csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(answer)))
    assert [(r["district"], r["value"]) for r in rows] == [("", "50.0"), ("Nord", "50.0"), ("Sud", "50.0")]
    assert rows[0]["month"] == f"{this_month():%Y-%m}"
    assert float(rows[0]["numerator"]) == float(rows[1]["numerator"]) + float(rows[2]["numerator"])


def staff(zone: int | None) -> Client:
    account = people.create_staff(
        email=f"{uuid.uuid4().hex}@town.test",
        password="long enough to be one",
        name="An agent",
        grants=[("agent", "*", zone)],
        teams=(),
    )
    client = Client()
    testing.sign_in(client, account)
    return client


def test_an_agent_sees_the_figures_of_their_own_zones(town):
    north = Zone.objects.get(name="Nord")
    total = sum(Zone.objects.filter(level=2).values_list("id", flat=True))

    def shown(client: Client) -> dict[str, str]:
        rows = csv.DictReader(io.StringIO(client.get("/desk/figures/test.secret?format=csv").content.decode()))
        return {r["district"]: float(r["value"]) for r in rows}

    assert shown(staff(None))[""] == total
    assert shown(staff(north.pk)) == {"": north.pk, "Nord": north.pk}
    page = staff(north.pk).get("/desk/figures/").content.decode()
    assert "Secret" in page and f">{total} " not in page


def test_each_language_has_its_numbers_and_months():
    month = date(2026, 7, 1)
    for language, number, name in (
        ("fr", "12,5", "juillet 2026"),
        ("pt", "12,5", "julho 2026"),
        ("en", "12.5", "July 2026"),
    ):
        with translation.override(language):
            assert charts.number(12.5) == number
            assert charts.month_name(month) == name


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=24))
def test_no_bar_is_taller_than_the_chart_and_none_stands_for_nothing(values):
    months = [counting.month_back(date(2026, 1, 1), n) for n in range(len(values))]
    drawn = charts.columns(months, values, [True] * len(months), title='<"é&>')
    assert drawn.count("<rect") == 2 * sum(v is not None for v in values)  # a wide drawing and a slim one
    assert '<"é' not in drawn
    for svg in drawn.split("<svg")[1:]:
        high = float(re.search(r'viewBox="0 0 \S+ (\d+)"', svg)[1])
        for y, height in re.findall(r'<rect[^>]* y="(\S+)"[^>]* height="(\S+)"', svg):
            assert float(y) >= 0 and float(y) + float(height) <= high


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=30))
def test_every_value_of_a_map_has_its_shade(values):
    limits = charts.shades(values)
    assert len(limits) <= charts.CLASSES + 2
    if limits:
        assert limits[0] <= min(values) and max(values) <= limits[-1]


@given(st.floats(0.001, 1e12))
def test_the_scale_starts_at_zero_and_holds_the_greatest(top):
    scale = charts.ticks(top)
    assert scale[0] == 0 and scale[-1] >= top * 0.999 and len(scale) <= 7
