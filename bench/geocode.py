"""Finding places among 1,000,000 named features, against the target of 30 ms at the 95th centile.

Method: a home of its own; a million features are made once, set-based, from a fixed seed, with names as towns have them
(kind, proper name, district, number), spread over 400 quarters. 900 queries made from those names, a third with a
spelling mistake (a letter lost, doubled or swapped), a third with words around ("derrière la ..."), none twice, are
answered one after the other by `geocode()` in one process; each is timed from words to answer.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import psycopg

from bench import Result
from toguna.kernel import cluster, places

FEATURES, TARGET = 1_000_000, 30.0
KINDS = [
    "Mosquée",
    "École",
    "Marché",
    "Pharmacie",
    "Boutique",
    "Borne-fontaine",
    "Église",
    "Lycée",
    "Clinique",
    "Restaurant",
    "Hôtel",
    "Garage",
    "Atelier",
    "Coiffeur",
    "Boulangerie",
]
NAMES = [
    "Sainte Marie", "Aminata Diallo", "El Hadj Oumar", "Kankou Moussa", "de la Paix", "du Fleuve", "Sankoré", "Modibo Keïta", "Assétou Maïga",
    "Baobab", "Teranga", "Djiguiya", "Wassa", "Benkadi", "Nouvelle Étoile", "de l'Indépendance", "Saint Joseph", "Sabunyuma", "Yelen", "Faso Kanu",
    "Bon Prix", "Al Hamdoulilah", "Grand Carrefour", "de la Gare", "du Château d'eau", "Espoir", "Horizon", "Concorde", "Unité", "Niaréla",
]  # fmt: skip
_ROWS = """
SELECT setseed(0.7);
INSERT INTO territory_layer (slug, names, geometry, attributes, style, icon, public, editable, attribution, version)
VALUES ('facilities', '{}', 'point', '[]', '{}', '', true, false, '', 1);
CREATE TABLE bench_name AS
SELECT n, %(kinds)s::text[] AS kinds, %(names)s::text[] AS names, 1 + floor(random() * 15)::int AS k, 1 + floor(random() * 30)::int AS m,
    floor(random() * 400)::int AS q, random() AS x, random() AS y FROM generate_series(1, %(many)s) n;
INSERT INTO territory_feature (layer_id, source, name, names, kind, attrs, geom, edited)
SELECT l.id, 'bench:' || n, kinds[k] || ' ' || bench_name.names[m] || ' ' || substr(md5((q * 31 + m)::text), 1, 5) || ' ' || q, '{}', 'shop', '{}',
    ST_SetSRID(ST_MakePoint(-8.2 + (q %% 20 + x) * 0.016, 12.5 + (q / 20 + y) * 0.016), 4326), false
FROM bench_name, territory_layer l WHERE l.slug = 'facilities';
"""
_ASK = """
import sys, json, time, django; django.setup()
from django.db import connection
from toguna.engines.territory import api
queries = json.load(sys.stdin)
for q in queries[:20]: api.geocode(q)
times, found = [], 0
for q in queries[20:]:
    began = time.perf_counter(); hits = api.geocode(q); times.append((time.perf_counter() - began) * 1000); found += bool(hits)
print(json.dumps([sorted(times), found / (len(queries) - 20)]))
"""


def run() -> Result:
    home = places.home() / "bench" / "geocode"
    environment = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    try:
        with psycopg.connect(database.dsn()) as connection:
            ready = connection.execute("SELECT to_regclass('bench_name') IS NOT NULL").fetchone()
        if not (ready and ready[0]):
            subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
            with psycopg.connect(database.dsn(), cursor_factory=psycopg.ClientCursor) as connection:
                connection.execute(_ROWS, {"kinds": KINDS, "names": NAMES, "many": FEATURES})
                connection.commit()
            code = "import django; django.setup()\nfrom toguna.engines.territory import names; names.rebuild()"
            subprocess.run([sys.executable, "-c", code], env=environment, check=True)
        with psycopg.connect(database.dsn()) as connection:
            rows = connection.execute(
                "SELECT name FROM territory_feature WHERE id %% 1087 = 3 ORDER BY id LIMIT 920".replace("%%", "%")
            ).fetchall()
        asked = subprocess.run(
            [sys.executable, "-c", _ASK],
            env=environment,
            input=json.dumps(_queries([r[0] for r in rows])),
            capture_output=True,
            text=True,
            check=True,
        )
        times, found = json.loads(asked.stdout.splitlines()[-1])
        p95 = times[int(len(times) * 0.95)]
        return Result(
            "geocode", "ms p95", round(p95, 2), TARGET, "target 30 ms p95", round(TARGET / p95, 2),
            f"{len(times)} queries on {FEATURES:,} features, a third misspelt; median {times[len(times) // 2]:.1f} ms; {found:.1%} answered",
        )  # fmt: skip
    finally:
        database.stop()


def _queries(names: list[str]) -> list[str]:
    draw = random.Random(11)
    made = []
    for number, name in enumerate(names):
        words = name.rsplit(" ", draw.choice((0, 1, 2)))[0]
        if number % 3 == 0 and len(words) > 6:
            at = draw.randrange(1, len(words) - 1)
            words = draw.choice(
                (
                    words[:at] + words[at + 1 :],
                    words[:at] + words[at] + words[at:],
                    words[: at - 1] + words[at] + words[at - 1] + words[at + 1 :],
                )
            )
        elif number % 3 == 1:
            words = draw.choice(("derrière ", "en face de la ", "à côté de ", "près du ")) + words.lower()
        made.append(words)
    return made
