"""Residence certificates issued: number, PDF, QR, signature, file and audit in the database, against the target of 20 a second.

Method: a home of its own; two processes (two cores), each 100 papers, first each from a template of its own, then both from
one template, where they wait for each other between taking a number and the commit: that is what leaves no gap. Fonts, keys
and libraries are loaded by five papers before. The rival is pyHanko as its manual shows it, which reads the key file for each
signature, over the same drawings, with nothing kept in a database.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bench import Result
from toguna.kernel import cluster, places

PAPERS, TARGET = 100, 20.0
_ISSUE = """
import sys, time, django
django.setup()
from toguna.engines.documents.issuing import actions, seal, templates
from toguna.engines.documents.issuing.templates import Field
from toguna.kernel.access import SYSTEM
name, many, mode = sys.argv[1], int(sys.argv[2]), sys.argv[3]
templates.save_template(name, title={"fr": "Certificat de résidence"}, prefix="CR", by=SYSTEM, fields=[Field("holder"), Field("place")],
    words={"fr": "Le maire certifie que {holder} réside à {place}.\\n\\nEn foi de quoi le présent certificat est délivré pour servir."})
def one(n):
    facts = {"holder": f"Aïcha Koné {n}", "place": "Quartier Nord, rue 12"}
    if mode == "rival":
        seal._signer.cache_clear()
        row = templates.find(name)
        made = actions.Issued(template=row, kind=name, year=2026, number=n, code="TEST2345", language="fr", facts=facts, day=actions.timezone.localdate(), signer="Maire", holder=facts["holder"])
        seal.sign(actions.drawn(made), reason="x", name="Maire")
    else:
        actions.issue(name, facts, by=SYSTEM, holder=facts["holder"])
for n in range(5): one(n)
print("ready", flush=True)
sys.stdin.readline()
begun = time.perf_counter()
for n in range(many): one(n)
print(time.perf_counter() - begun, flush=True)
"""


def run() -> list[Result]:
    home = places.home() / "bench" / "certificates"
    environment = {
        **os.environ,
        "TOGUNA_HOME": str(home),
        "PYTHONPATH": str(places.checkout() / "src"),
        "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }
    environment.pop("DATABASE_URL", None)
    database = cluster.Cluster(home)
    database.ensure()
    try:
        subprocess.run([sys.executable, "-m", "django", "migrate", "-v0"], env=environment, check=True)
        rival = _rate(environment, ("one", "two"), "rival")
        results = []
        for workload, names in (("certificates", ("one", "two")), ("certificates-one-template", ("one", "one"))):
            ours = _rate(environment, names, "issue")
            method = f"target {TARGET:.0f}/s: {'met' if ours >= TARGET else 'missed'}; 2 processes, {PAPERS} each"
            results.append(
                Result(workload, "papers/s", ours, rival, "pyHanko, key read each time", ours / rival, method)
            )
        return results
    finally:
        database.stop()


def _rate(environment: dict[str, str], names: tuple[str, str], mode: str) -> float:
    """Papers a second of the two together, by the slower one's clock."""
    working = []
    for name in names:
        process = subprocess.Popen(
            [sys.executable, "-c", _ISSUE, name, str(PAPERS), mode],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout and process.stdin
        process.stdout.readline()  # one after the other: the first makes the keys and the template
        working.append(process)
    for process in working:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    took = [float((process.communicate()[0] or "nan").strip()) for process in working]
    return PAPERS * len(working) / max(took)
