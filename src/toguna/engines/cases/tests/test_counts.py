"""The counts that the database keeps are what a count of the cases gives, whatever happens to them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.cases import counts
from toguna.engines.cases.models import Case
from toguna.engines.cases.tests.test_cases import PERMIT, ask, permit  # noqa: F401
from toguna.kernel.access import SYSTEM

pytestmark = pytest.mark.django_db

DIRECT = {
    "team": """SELECT COALESCE(team_id, 0), COALESCE((due AT TIME ZONE 'UTC')::date, 'infinity')::text, count(*) FROM cases_case WHERE open GROUP BY 1, 2""",
    "zone": """SELECT (date_trunc('month', created AT TIME ZONE 'UTC'))::date, COALESCE(zone_id, 0), state,
        CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400))) END::int,
        COALESCE(closed > due, false), count(*) FROM cases_case GROUP BY 1, 2, 3, 4, 5""",
    "topic": """SELECT (date_trunc('month', created AT TIME ZONE 'UTC'))::date, topic_id, state,
        CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400))) END::int,
        COALESCE(closed > due, false), count(*) FROM cases_case GROUP BY 1, 2, 3, 4, 5""",
    "zone_topic": """SELECT (date_trunc('month', created AT TIME ZONE 'UTC'))::date, COALESCE(zone_id, 0), topic_id, state,
        CASE WHEN closed IS NULL THEN -1 ELSE LEAST(99, GREATEST(0, floor(extract(epoch FROM closed - created) / 86400))) END::int,
        COALESCE(closed > due, false), count(*) FROM cases_case GROUP BY 1, 2, 3, 4, 5, 6""",
    "channel": """SELECT (date_trunc('month', created AT TIME ZONE 'UTC'))::date, channel, count(*) FROM cases_case GROUP BY 1, 2""",
    "cell": """SELECT level, floor((ST_X(point) + 180) / {c})::int >> level, floor((ST_Y(point) + 90) / {c})::int >> level, count(*),
        count(*) FILTER (WHERE open), round(sum(ST_X(point))::numeric, 6), round(sum(ST_Y(point))::numeric, 6) FROM cases_case, unnest(ARRAY[0, 2, 4, 6]) level WHERE public AND point IS NOT NULL GROUP BY 1, 2, 3""".format(
        c=repr(360 / 2**17 * 0.625 / 16)
    ),
}
KEPT = {
    "team": "SELECT team, day::text, sum(n) FROM cases_count_team GROUP BY 1, 2 HAVING sum(n) <> 0",
    "zone": """SELECT month, zone, state, took::int, late, sum(n) FROM cases_count_zone
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0""",
    "topic": """SELECT month, topic, state, took::int, late, sum(n) FROM cases_count_topic
        GROUP BY 1, 2, 3, 4, 5 HAVING sum(n) <> 0""",
    "zone_topic": """SELECT month, zone, topic, state, took::int, late, sum(n) FROM cases_count_zone_topic
        GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(n) <> 0""",
    "channel": "SELECT month, channel, sum(n) FROM cases_count_channel GROUP BY 1, 2 HAVING sum(n) <> 0",
    "cell": """SELECT level, gx, gy, sum(n), sum(open), round(sum(lon)::numeric, 6), round(sum(lat)::numeric, 6)
        FROM cases_count_cell GROUP BY 1, 2, 3 HAVING sum(n) <> 0""",
}


def rows(sql: str) -> set[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return {tuple(row) for row in cursor.fetchall()}


def exact() -> None:
    for name, sql in DIRECT.items():
        assert rows(sql) == rows(KEPT[name]), name


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_the_counts_are_exact(permit, data):  # noqa: F811
    made: list[int] = []
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["open", "move", "hide", "date", "point", "many", "delete", "compact"])):
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
                before = rows("SELECT count(*) FROM cases_count_delta")
                Case.objects.update(supporters=1)  # none of the keys: nothing is written
                assert rows("SELECT count(*) FROM cases_count_delta") == before
            case "compact":
                counts.compact()
                assert not rows("SELECT * FROM cases_count_delta")
                assert not rows("SELECT 1 FROM cases_kept_cell WHERE n <= 0 OR open < 0 OR open > n")
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


@pytest.mark.django_db(transaction=True, available_apps=django_settings.INSTALLED_APPS)
def test_nobody_waits_for_the_counts(permit):  # noqa: F811
    """Two that change the same counts at once, each more than one case, and one who adds them up meanwhile."""
    other = connections.create_connection("default")
    try:
        with other.cursor() as theirs:
            theirs.execute("SET lock_timeout = '2s'")
            theirs.execute("BEGIN")
            copy = (
                "INSERT INTO cases_case (code, client_id, type, topic_id, state, text, place, answers, channel, language, open, public) "
                "SELECT %s, gen_random_uuid(), type, topic_id, state, '', '', '{}', channel, '', true, true FROM cases_case LIMIT 1"
            )
            first = ask(permit)
            theirs.execute(copy, ["AAA"])
            ask(permit)
            counts.compact()
            theirs.execute(copy, ["BBB"])
            Case.objects.filter(pk=first.pk).update(team=None, public=False)
            counts.compact()
            exact()
            theirs.execute("COMMIT")
        assert rows("SELECT count(*) FROM cases_case") == {(4,)}
        exact()
        counts.compact()
        exact()
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE cases_case CASCADE")
        exact()
    finally:
        other.close()
