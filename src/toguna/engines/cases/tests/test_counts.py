"""The counts that the database keeps are what a count of the cases gives, whatever happens to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases.models import Case
from toguna.engines.cases.tests.test_cases import PERMIT, ask, permit  # noqa: F401
from toguna.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db

DIRECT = {
    "team": """SELECT COALESCE(team_id, 0), (due AT TIME ZONE 'UTC')::date, count(*) FROM cases_case WHERE open GROUP BY 1, 2""",
    "zone": """SELECT (date_trunc('month', created AT TIME ZONE 'UTC'))::date, COALESCE(zone_id, 0), state,
        CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400))) END::int,
        COALESCE(closed > due, false), count(*) FROM cases_case GROUP BY 1, 2, 3, 4, 5""",
    "cell": """SELECT level, floor((ST_X(point) + 180) / {c})::int >> level, floor((ST_Y(point) + 90) / {c})::int >> level, count(*),
        count(*) FILTER (WHERE open) FROM cases_case, unnest(ARRAY[0, 2, 4, 6]) level WHERE public AND point IS NOT NULL GROUP BY 1, 2, 3""".format(
        c=repr(360 / 2**17 * 0.625 / 16)
    ),
}
KEPT = {
    "team": "SELECT team, day, n FROM cases_count_team WHERE n <> 0",
    "zone": "SELECT month, zone, state, took::int, late, n FROM cases_count_zone WHERE n <> 0",
    "cell": "SELECT level, gx, gy, n, open FROM cases_count_cell WHERE n <> 0",
}


def rows(sql: str) -> set[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {tuple(row) for row in cursor.fetchall()}


def exact() -> None:
    for name, sql in DIRECT.items():
        assert rows(sql) == rows(KEPT[name]), name
    assert not rows("SELECT 1 FROM cases_count_cell WHERE n < 0 OR open < 0 OR n = 0 AND abs(lon) + abs(lat) > 1e-6")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_the_counts_are_exact(permit, data):  # noqa: F811
    made: list[int] = []
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["open", "move", "hide", "date", "point", "many", "delete"])):
            case "open":
                made.append(ask(permit).pk)
            case "move" if made:
                case = Case.objects.get(pk=data.draw(st.sampled_from(made)))
                possible = PERMIT.possible(case.state)
                if possible:
                    cases.move(case.pk, data.draw(st.sampled_from(possible)).name, by=SYSTEM, words="x")
            case "hide":
                Case.objects.filter(pk__in=made[:2]).update(public=data.draw(st.booleans()))
            case "date":
                days = data.draw(st.integers(0, 400))
                Case.objects.filter(pk__in=made[-2:]).update(
                    created=datetime(2026, 1, 31, 23, 30, tzinfo=UTC) - timedelta(days=days)
                )
            case "point":
                with connection.cursor() as cursor:
                    cursor.execute(
                        "UPDATE cases_case SET point = ST_SetSRID(ST_MakePoint(%s, %s), 4326) WHERE id = ANY(%s)",
                        [data.draw(st.floats(-1, 1)), data.draw(st.floats(-1, 1)), made[:3]],
                    )
            case "many":
                Case.objects.update(supporters=1)  # none of the keys: nothing is written
            case "delete" if made:
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL toguna.retention = 'on'")
                Case.objects.filter(pk=made.pop()).delete()
                with connection.cursor() as cursor:
                    cursor.execute("SET LOCAL toguna.retention = 'off'")
        exact()


def test_rows_and_their_days(permit):  # noqa: F811
    opened = datetime(2026, 3, 10, tzinfo=UTC)
    for days in (1, 2, 3, 20, None):
        case = ask(permit)
        Case.objects.filter(pk=case.pk).update(
            created=opened, due=opened + timedelta(days=7), closed=opened + timedelta(days=days, hours=1) if days else None,
            open=days is None, state="given" if days else "asked",
        )  # fmt: skip
    found = cases.counts(
        "permit", "month", since=date(2026, 3, 1), until=date(2026, 4, 1), done=["given"], refused=["no"]
    )
    assert [(r.key, r.received, r.open, r.solved, r.late, r.median, r.ninetieth, r.in_time) for r in found] == [
        (date(2026, 3, 1), 5, 1, 4, 1, 2, 20, 75)
    ]
    for by in ("", "zone", "topic"):
        assert (
            sum(
                r.received
                for r in cases.counts(
                    "permit", by, since=date(2026, 1, 1), until=date(2027, 1, 1), done=["given"], refused=["no"]
                )
            )
            == 5
        )
    crossed = cases.counts(
        "permit",
        "zone",
        since=date(2026, 1, 1),
        until=date(2027, 1, 1),
        done=["given"],
        refused=["no"],
        topics=[permit.pk],
    )
    assert sum(r.received for r in crossed) == 5 and crossed[0].median == 2


def test_by_team_is_what_the_list_gives(permit):  # noqa: F811
    for _ in range(3):
        ask(permit)
    Case.objects.filter(pk=ask(permit).pk).update(due=datetime(2026, 1, 1, tzinfo=UTC))
    [row] = cases.counts_by_team("permit", account=None)
    assert (row.team, row.open, row.late, row.today) == (None, 4, 1, 4) and row.oldest is not None
