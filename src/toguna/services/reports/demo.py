"""Eighteen months of reports of the demo town, loaded set-based: COPY into a table of text, then one INSERT per table."""

from __future__ import annotations

import csv
from typing import Any

from django.db import connection, transaction

from toguna.engines.cases.api import Case, Rule, Topic
from toguna.engines.people.api import Team
from toguna.kernel import codes
from toguna.kernel.demo import DemoFiles
from toguna.services.reports.casetype import REPORT

STATES = {
    "open": "received",
    "acknowledged": "accepted",
    "in progress": "started",
    "resolved": "solved",
    "refused": "refused",
}


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: rules are replaced, reports are loaded only where there are none."""
    _rules(files)
    if Case.objects.filter(type=REPORT.name).exists():
        return
    with connection.cursor() as cursor:
        cursor.execute("""
            CREATE TEMP TABLE demo_report (created timestamptz, acknowledged timestamptz, assigned timestamptz,
                resolved timestamptz, category text, lat float8, lon float8, place text, text text, language text,
                phone text, name text, channel text, status text, team text, reply text, rating text, code text,
                n bigserial) ON COMMIT DROP
        """)
        used: set[str] = set()
        with (files.folder / "reports.csv").open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            columns = list(reader.fieldnames or [])
            with cursor.copy(f"COPY demo_report ({', '.join(columns)}, code) FROM STDIN") as copy:
                for row in reader:
                    code = codes.make(6)
                    while code in used:
                        code = codes.make(6)
                    used.add(code)
                    values = [row[c] or (None if c in DATES else "") for c in columns]
                    copy.write_row([*values, code])
        cursor.execute("ANALYZE demo_report")
        states = " ".join(f"WHEN '{theirs}' THEN '{ours}'" for theirs, ours in STATES.items())
        cursor.execute(
            f"""
            INSERT INTO cases_case (code, client_id, type, topic_id, state, open, public, zone_id, point, place, text, answers, language,
                channel, reporter_id, team_id, created, updated, due, closed, rating)
            SELECT r.code, gen_random_uuid(), 'reports', t.id, s.state, s.state NOT IN ('solved', 'refused'), t.public, z.id,
                p.point, r.place, r.text, '{{}}', r.language, r.channel, c.person_id, team.id, r.created,
                GREATEST(r.created, r.acknowledged, r.assigned, r.resolved), r.created + make_interval(days => t.days),
                CASE WHEN s.state IN ('solved', 'refused') THEN COALESCE(r.resolved, r.assigned, r.acknowledged, r.created) END,
                NULLIF(r.rating, '')::smallint
            FROM demo_report r
            JOIN cases_topic t ON t.case_type = 'reports' AND t.slug = r.category
            CROSS JOIN LATERAL (SELECT CASE r.status {states} ELSE 'received' END AS state) s
            CROSS JOIN LATERAL (SELECT ST_SetSRID(ST_MakePoint(r.lon, r.lat), 4326) AS point) p
            LEFT JOIN LATERAL (SELECT z.id FROM territory_zone z WHERE ST_Intersects(z.geom, p.point) AND z.closed IS NULL
                ORDER BY z.level DESC, z.id LIMIT 1) z ON true
            LEFT JOIN LATERAL (SELECT k.person_id FROM people_contact k WHERE k.value = r.phone AND r.phone <> ''
                ORDER BY k.id LIMIT 1) c ON true
            LEFT JOIN LATERAL (SELECT t.id FROM people_team t WHERE t.names ->> 'fr' = r.team ORDER BY t.id LIMIT 1) team ON true
            ORDER BY r.created
            """,
        )
        cursor.execute(
            """
            INSERT INTO cases_step (case_id, at, action, from_state, to_state, text, public, data)
            SELECT c.id, s.at, s.action, s.from_state, s.to_state, s.text, true, '{}'
            FROM demo_report r JOIN cases_case c ON c.code = r.code
            CROSS JOIN LATERAL (VALUES
                (r.created, 'opened', '', 'received', ''),
                (r.acknowledged, 'moved', 'received', 'accepted', ''),
                (r.assigned, 'moved', 'accepted', 'started', ''),
                (r.resolved, 'moved', CASE WHEN r.assigned IS NOT NULL THEN 'started' ELSE 'accepted' END, c.state, r.reply)
            ) s(at, action, from_state, to_state, text)
            WHERE s.at IS NOT NULL
            ORDER BY s.at, c.id
            """
        )


DATES = {"created", "acknowledged", "assigned", "resolved"}


def _rules(files: DemoFiles) -> None:
    """Who does what, from teams.csv: categories, and the districts where there is more than one team for them."""
    teams = {t.names.get("fr"): t for t in Team.objects.order_by("-pk").prefetch_related("zones")}
    topics = {t.slug: t for t in Topic.objects.filter(case_type=REPORT.name)}
    rules = []
    with (files.folder / "teams.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            team = teams.get(row["name"])
            if team is None:
                continue
            for slug in row["categories"].split(";"):
                if slug in topics:
                    zones: list[Any] = list(team.zones.all()) or [None]
                    rules += [Rule(case_type=REPORT.name, topic=topics[slug], zone=zone, team=team) for zone in zones]
    Rule.objects.filter(case_type=REPORT.name).delete()
    Rule.objects.bulk_create(rules)
