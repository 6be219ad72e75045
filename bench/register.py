"""A table of 50,000 lines brought into the register of taxpayers, and its page of duplicates.

Method: a CSV as a town sends it (name, telephone, surface, place, position; one telephone in fifty is somebody else's, too), received,
looked at against a register that has 5,000 already, and brought: taxpayers, payers, taxed things, their zones, their
history. The worker's jobs are called in one process. The rows that are like others are then compared by the worker's `doubles.look`, once;
the page's `doubles.pairs` is the median of five calls, before it (while the worker has not looked yet) and after it. Targets: 30 s, 1 s.
"""

from __future__ import annotations

import json

import psycopg

from bench import Result, _ledger

LINES, IMPORT, PAGE = 50_000, 30.0, 1.0
_ALL = "revenue_taxpayer, revenue_taxed, revenue_import, revenue_taxpayerevent, revenue_taxedevent, revenue_to_compare"
_OURS = """
import json, resource, statistics, sys, time
from bench import _ledger
from django.contrib.gis.geos import MultiPolygon, Polygon
from django.db import connection
from toguna.engines.territory.models import Zone
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.models import Alike, Base, ImportRun, Taxed, Taxpayer
from toguna.services.revenue.register import doubles, importing, starter
lines = int(sys.argv[1])
starter.load()
def square(west, south, side): return MultiPolygon(Polygon.from_bbox((west, south, west + side, south + side)), srid=4326)
whole = Zone.objects.create(level=0, name="Town", names={}, source="bench:0", geom=square(-1, 12, 0.1))
for n in range(100):
    Zone.objects.create(level=2, parent=whole, name=f"Quarter {n}", names={}, source=f"bench:{n + 1}", geom=square(-1 + n % 10 * 0.01, 12 + n // 10 * 0.01, 0.01))
FIRST, LAST = "Awa Moussa Fatou Binta Aïssata Oumar Mariam Ibrahim Salif Kadi".split(), "Traoré Keita Diarra Sow Coulibaly Koné Ouattara Sanogo Bamba Cissé".split()
def table(begin, end):
    said = ["Nom et prénom;Téléphone;Surface (m2);Place;Latitude;Longitude"]
    for n in range(begin, end):
        name = f"{FIRST[n % 10]} {LAST[n // 10 % 10]} {(n * 7919) % 99991:x}"
        said.append(f"{name};+2237{n - 1 if n % 50 == 1 else n:07d};{1 + n % 40};P{n};{12 + n % 313 * 0.0003:.6f};{-1 + n // 313 % 313 * 0.0003:.6f}")
    return "\\n".join(said).encode()
with connection.cursor() as cursor:
    cursor.execute("SELECT pg_backend_pid()")
    server = cursor.fetchone()[0]
def spent():
    mine = resource.getrusage(resource.RUSAGE_SELF)
    return time.perf_counter(), mine.ru_utime + mine.ru_stime + _ledger.cpu_of(server)
def brought(raw):
    run = importing.receive(Base.objects.get(slug="etal"), "bench.csv", raw, by=SYSTEM)
    importing.look(run.pk, run.columns, by=SYSTEM)
    importing.read_job.func(run=run.pk)
    importing.decide_all(run.pk, "new", by=SYSTEM)
    importing.bring(run.pk, by=SYSTEM)
    importing.bring_job.func(run=run.pk)
    return ImportRun.objects.get(pk=run.pk)
def page():
    took = []
    for _n in range(5):
        begun = time.perf_counter(); found = doubles.pairs(SYSTEM); took.append(time.perf_counter() - begun)
    return statistics.median(took), len(found)
brought(table(lines, lines + lines // 10)); doubles.look()
with connection.cursor() as cursor:
    cursor.execute("ANALYZE revenue_taxpayer, revenue_taxed, revenue_part")
begun = spent()
row = brought(table(0, lines))
told = spent()
with connection.cursor() as cursor:
    cursor.execute("SELECT (SELECT count(*) FROM revenue_taxpayerevent), (SELECT count(*) FROM revenue_taxedevent)")
    kept = cursor.fetchone()
assert row.state == "done" and row.counts["taxed"] == lines and Taxed.objects.count() == kept[1] >= lines, (row.state, row.counts, kept)
before, _found = page()
looked = spent()
doubles.look()
done = spent()
after, found = page()
assert found and Alike.objects.count() >= lines // 50, (found, Alike.objects.count())
print(json.dumps([told[0] - begun[0], told[1] - begun[1], done[0] - looked[0], done[1] - looked[1], before, after]))
"""


def run() -> list[Result]:
    database = _ledger.ready()
    try:
        _empty(database.dsn())
        clock, cpu, looked, looked_cpu, before, after = json.loads(_ledger.call(_OURS, str(LINES)))
        _empty(database.dsn())
    finally:
        database.stop()
    how = f"{LINES} lines; CPU of the worker and of the database {cpu:.1f} s; target {IMPORT:.0f} s, {'met' if clock < IMPORT else 'missed'}"
    slow = max(before, after)
    pages = (
        f"after the worker's comparison of {LINES} ({looked:.1f} s, CPU {looked_cpu:.1f} s); before it {before * 1000:.0f} ms;"
        f" target {PAGE:.0f} s, {'met' if slow < PAGE else 'missed'}"
    )
    return [
        Result("register-import", "s", clock, IMPORT, "target", IMPORT / clock, how),
        Result("register-duplicates", "ms", after * 1000, PAGE * 1000, "target", PAGE / after, pages),
    ]


def _empty(dsn: str) -> None:
    """Nothing of the register, nor the payers that it brought."""
    with psycopg.connect(dsn) as sql:
        sql.execute(f"TRUNCATE {_ALL} CASCADE")
        sql.execute("DELETE FROM territory_zone WHERE source LIKE 'bench:%' AND level > 0")
        sql.execute("DELETE FROM territory_zone WHERE source LIKE 'bench:%'")
        sql.execute(
            "DELETE FROM ledger_payer WHERE id > (SELECT id FROM ledger_payer ORDER BY id OFFSET %s LIMIT 1)",
            [_ledger.PAYERS - 1],
        )
