"""What is counted adds up, from the blocks to the town; and the pages say it to everyone."""

from datetime import date

import pytest
from django.contrib.gis.geos import MultiPolygon, Polygon
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.indicators import charts, counting
from toguna.engines.indicators.api import Measure
from toguna.engines.indicators.models import Snapshot
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel import registry
from toguna.kernel.manifest import Service

THIS = counting.month_back(date.today(), 0)
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
    assert opened.total == sum(ids) == sum(v for _z, v in opened.by_zone)
    assert share.total == 50 and all(v == 50 for _z, v in share.by_zone)
    assert opened.values[-1] == sum(ids) and opened.values[0] is None  # what was not counted is not zero
    assert counting.read([OPENED], zone=ids[0])[0].total == ids[0]
    assert counting.read([OPENED], within=frozenset())[0].total == 0


def test_counting_again_changes_nothing(town):
    before = list(Snapshot.objects.order_by("measure", "zone").values_list("measure", "zone", "numerator"))
    counting.refresh(OPENED)
    counting.refresh(OPENED, everything=True)
    assert list(Snapshot.objects.order_by("measure", "zone").values_list("measure", "zone", "numerator")) == before


def test_the_pages_show_what_is_public_and_cost_few_statements(town, client, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        page = client.get("/figures/").content.decode()
    assert "Opened" in page and "Secret" not in page
    with django_assert_max_num_queries(8):
        one = client.get("/figures/test.opened?months=18")
    assert "<svg" in one.content.decode() and "<table" in one.content.decode()
    assert client.get("/figures/test.secret").status_code == 404
    assert client.get("/figures/none").status_code == 404
    assert client.get("/figures/test.opened?zone=abc&months=-1").status_code == 200
    assert client.get("/figures/test.opened?format=csv").content.decode().count("\n") == 13
    assert client.get("/desk/figures/").status_code == 302


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e9)), min_size=1, max_size=24))
def test_no_bar_is_taller_than_the_chart_and_none_stands_for_nothing(values):
    months = [counting.month_back(date(2026, 1, 1), n) for n in range(len(values))]
    drawn = charts.bars(months, values, title='<"é&>')
    assert drawn.count("<rect") == sum(v is not None for v in values)
    assert "<script" not in drawn and '<"é' not in drawn


@given(st.floats(0.001, 1e12))
def test_the_scale_starts_at_zero_and_holds_the_greatest(top):
    scale = charts.ticks(top)
    assert scale[0] == 0 and scale[-1] >= top * 0.999 and len(scale) <= 7
