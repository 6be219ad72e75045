"""Saving a step of a form of 200 fields: what was typed read, merged, calculated, checked and written, against Django's own Form
of 200 fields bound and validated in the same run (which neither calculates nor keeps anything); and its page drawn, against that
Form rendered alone.

CPU of this process, the median of 30 after three to warm; the database is a private one. Target: 20 ms CPU.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from bench import Result
from toguna.kernel import cluster, places

TARGET_MS, RENDER_MS = 20, 150
_ASK = """
import json, statistics, sys, time, django; django.setup()
from django import forms as django_forms
from toguna.engines.forms import actions, definition, reads, values
from toguna.kernel.access import SYSTEM
items = []
for i in range(50):
    items += [
        {"name": f"t{i}", "kind": "text", "label": {"fr": "T"}, "required": True, "constraint": "string-length(.) < 50"},
        {"name": f"n{i}", "kind": "integer", "label": {"fr": "N"}, "constraint": ". >= 0 and . < 1000",
         "relevant": "${t%d} != ''" % i},
        {"name": f"s{i}", "kind": "select_one", "label": {"fr": "S"}, "list": "l"},
        {"name": f"d{i}", "kind": "date", "label": {"fr": "D"}, "constraint": ". <= today()"},
    ]
items.append({"name": "total", "kind": "calculate", "calculation": " + ".join("coalesce(${n%d}, 0)" % i for i in range(50))})
data = {"name": "bench", "titles": {"fr": "B"}, "languages": ["fr"], "items": items,
        "choices": {"l": [{"name": n, "label": {"fr": n}} for n in "abcdefgh"]}}
form = actions.save_draft_form("bench", data, service="forms", by=SYSTEM)
actions.publish(form, by=SYSTEM)
form.refresh_from_db()
asked = reads.definition_of(form.current_id)
typed = {item.name: [{"text": "Awa Sanou", "integer": "42", "select_one": "c", "date": "03/11/2026"}[item.kind]]
         for item in asked.items if item.asked}
filling = actions.open_filling(form, by=SYSTEM, language="fr")


def step():
    global filling
    answers = {name: values.clean(asked.by_path[(name,)], words, "fr") for name, words in typed.items()}
    filling, filled, errors = actions.save(filling, answers, by=SYSTEM, revision=filling.revision)
    assert not errors and filled.answers["total"] == "2100", (errors, filled.answers["total"])


def field(i):
    return {"t": lambda: django_forms.CharField(max_length=49), "n": lambda: django_forms.IntegerField(min_value=0, max_value=999),
            "s": lambda: django_forms.ChoiceField(choices=[(c, c) for c in "abcdefgh"]),
            "d": lambda: django_forms.DateField(input_formats=["%d/%m/%Y"])}["tnsd"[i % 4]]()


Rival = type("Rival", (django_forms.Form,), {f"f{i}": field(i) for i in range(200)})
given = {f"f{i}": ["Awa Sanou", "42", "c", "03/11/2026"][i % 4] for i in range(200)}


def rival():
    assert Rival(given).is_valid()


def cpu(run):
    for _i in range(3):
        run()
    found = []
    for _i in range(30):
        began = time.process_time()
        run()
        found.append((time.process_time() - began) * 1000)
    return statistics.median(found)


from django.conf import settings
from django.template import Context, Template
from django.test import Client
settings.ALLOWED_HOSTS = ["testserver"]
client = Client(headers={"accept-language": "fr"})
where = client.post("/forms/bench", {}).headers["Location"]
page = client.get(where).content
assert page.count(b"<input") + page.count(b"<select") + page.count(b"<textarea") >= 200, page[:2000]
plain = Template("{{ form }}")


def render():
    assert client.get(where).status_code == 200


def rival_render():
    plain.render(Context({"form": Rival()}))


print(json.dumps([cpu(step), cpu(rival), cpu(render), cpu(rival_render)]))
"""


def _environment(home: Path) -> dict[str, str]:
    made = {
        **os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "DJANGO_SETTINGS_MODULE": "toguna.site.settings",
    }  # fmt: skip
    made.pop("DATABASE_URL", None)
    return made


def run() -> list[Result]:
    home = places.home() / "bench" / "forms"
    home.mkdir(parents=True, exist_ok=True)
    (home / "town.toml").write_text('[town]\nname = "Bench"\ncountry = "CI"\n', "utf-8")
    database = cluster.Cluster(home)
    database.ensure()
    environment = _environment(home)
    try:
        subprocess.run([sys.executable, "-m", "toguna.cli", "manage", "migrate", "-v0"], env=environment, check=True)
        done = subprocess.run(
            [sys.executable, "-c", _ASK], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    finally:
        database.stop()
    ours, rival, drawn, rival_drawn = json.loads(done.stdout.splitlines()[-1])
    return [
        Result(
            "form-step", "ms CPU", round(ours, 2), round(rival, 2), "Django's Form, bound and validated only",
            round(rival / ours, 2), f"200 fields read, calculated, checked and written; the target is {TARGET_MS} ms",
        ),
        Result(
            "form-render", "ms CPU", round(drawn, 2), round(rival_drawn, 2), "Django's Form of 200 fields, rendered alone",
            round(rival_drawn / drawn, 2),
            f"a whole page of 200 questions through the HTTP stack, with what is relevant and offered now; the target is {RENDER_MS} ms",
        ),
    ]  # fmt: skip
