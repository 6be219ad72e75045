"""Preparing a broadcast to 1,000,000 numbers, against the same done in the usual way through the ORM, in the same run.

Method: a home of its own; 1,000,000 persons with a phone each, made once, set-based. Ours: `prepare()`, the whole of it, in
one process, as the worker runs it: recipients chosen, those who said STOP left out, each person and each number once,
committed in chunks; its peak memory is read from the system. The rival reads the contacts with the ORM and writes the same
messages with bulk_create(ignore_conflicts) by 5,000, on 100,000 of them, and is scaled up by ten. The target is 60 s
and 500 MiB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psycopg

from bench import Result
from toguna.kernel import cluster, places

PEOPLE, TARGET = 1_000_000, 60.0
_ROWS = """
INSERT INTO people_person (public_id, name, language, created)
SELECT gen_random_uuid(), '', (ARRAY['fr', 'pt', 'en'])[1 + n % 3], now() FROM generate_series(1, {people}) n;
INSERT INTO people_contact (person_id, kind, value)
SELECT id, 'phone', '+2237' || lpad((id % 10000000)::text, 7, '0') FROM people_person;
INSERT INTO channels_opt_out (medium, address, about, at)
SELECT 'sms', value, '', now() FROM people_contact WHERE id % 500 = 0;
CREATE TABLE bench_ready ();
ANALYZE;
"""
_PREAMBLE = """
import json, resource, time, django; django.setup()
from django.db import connection
from toguna.engines.channels.models import Message, OptOut, Publication
from toguna.engines.people.models import Contact
row = Publication.objects.create(titles={"fr": "Essai", "pt": "Teste", "en": "Test"}, texts={"fr": "x", "pt": "x", "en": "x"},
    media=["sms"], audience={"known": True}, state="approved")
began = time.perf_counter()
"""
_OURS = (
    _PREAMBLE
    + """
from toguna.engines.channels.publish.actions import prepare
prepare.func(row.pk)
took = time.perf_counter() - began
count = Message.objects.filter(publication=row).count()
with connection.cursor() as cursor:
    cursor.execute("TRUNCATE channels_message CASCADE")
print(json.dumps([took, count, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""
)
_RIVAL = (
    _PREAMBLE
    + """
stopped = set(OptOut.objects.values_list("address", flat=True))
batch = []
for contact in Contact.objects.select_related("person").filter(kind="phone", person__erased=None)[:%(some)d].iterator(5000):
    if contact.value in stopped:
        continue
    batch.append(Message(key=f"p{row.pk}:sms:{contact.value}", medium="sms", address=contact.value, person=contact.person,
        publication=row, language=contact.person.language, lane=10))
    if len(batch) == 5000:
        Message.objects.bulk_create(batch, ignore_conflicts=True); batch = []
Message.objects.bulk_create(batch, ignore_conflicts=True)
took = time.perf_counter() - began
with connection.cursor() as cursor:
    cursor.execute("TRUNCATE channels_message CASCADE")
print(json.dumps([took, 0, 0]))
"""
)


def run() -> Result:
    home = places.home() / "bench" / "broadcast"
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    try:
        with psycopg.connect(database.dsn()) as connection:
            ready = connection.execute("SELECT to_regclass('bench_ready') IS NOT NULL").fetchone()
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        if not (ready and ready[0]):
            with psycopg.connect(database.dsn()) as connection:
                connection.execute(_ROWS.format(people=PEOPLE).encode())
                connection.commit()
        took, count, memory = _measured(_OURS, environment)
        some = PEOPLE // 10
        rival = _measured(_RIVAL % {"some": some}, environment)[0] * PEOPLE / some
        return Result(
            "broadcast-prepare", "s", round(took, 1), round(rival, 1), "ORM, bulk_create by 5,000", round(rival / took, 2),
            f"{count:,} messages of {PEOPLE:,} people, {memory:.0f} MiB at most; target 60 s: x{TARGET / took:.1f}; the rival on {some:,}, scaled",
        )  # fmt: skip
    finally:
        database.stop()


def _measured(code: str, environment: dict[str, str]) -> list[float]:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found
