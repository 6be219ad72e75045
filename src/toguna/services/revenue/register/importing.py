"""A table of taxpayers is brought: its columns recognised, each line looked at, those who may be there already found; then written
once, set-based, whatever is begun again. The file itself goes when it is read, what its lines said after three months."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, tables, tasks, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Base, ImportRow, ImportRun, Taxpayer
from toguna.services.revenue.register import actions, bulk, matching, numbers
from toguna.services.revenue.register.actions import WRITE, Refused

LARGEST, MOST = 30_000_000, 100_000  # bytes, lines
CHUNK = 5_000  # lines written in one transaction
SURE = 85  # of a hundred: surely the same
KEPT = timedelta(days=90)
State, Decision = ImportRun.State, ImportRow.Decision

MEANINGS: dict[str, Any] = {
    "name": gettext_lazy("Name"), "kind": gettext_lazy("Person or business"), "trade": gettext_lazy("Trade"),
    "phone": gettext_lazy("Phone"), "email": gettext_lazy("E-mail"), "tax_number": gettext_lazy("Tax number of the state"),
    "address": gettext_lazy("Where to find them"), "words": gettext_lazy("What it is"), "plate": gettext_lazy("Number plate"),
    "position": gettext_lazy("Position"), "lat": gettext_lazy("Latitude"), "lon": gettext_lazy("Longitude"),
    "since": gettext_lazy("Taxed since"),
}  # fmt: skip
# Headings that we know without being told, folded.
_KNOWN = {
    "name": ("nom", "nom et prenom", "nom et prenoms", "nom prenom", "redevable", "contribuable", "raison sociale", "commercant", "nome", "contribuinte", "name", "taxpayer", "business name"),
    "kind": ("type", "nature", "tipo", "kind"),
    "trade": ("activite", "metier", "commerce", "profession", "atividade", "ramo", "trade", "activity"),
    "phone": ("telephone", "tel", "contact", "portable", "mobile", "numero de telephone", "telefone", "telemovel", "phone", "phone number"),
    "email": ("email", "e mail", "mail", "courriel", "adresse electronique", "correio"),
    "tax_number": ("nif", "ninea", "ifu", "ncc", "tin", "numero fiscal", "identifiant fiscal", "tax number"),
    "address": ("adresse", "domicile", "endereco", "morada", "address"),
    "words": ("place", "emplacement", "numero de place", "numero", "n", "stand", "etal", "boutique", "designation", "lugar", "banca", "stall", "description"),
    "plate": ("plaque", "immatriculation", "matricule", "matricula", "placa", "plate", "number plate"),
    "position": ("position", "coordonnees", "gps", "coordenadas", "coordinates"),
    "lat": ("lat", "latitude", "y"), "lon": ("lon", "long", "lng", "longitude", "x"),
    "since": ("depuis", "debut", "date", "date debut", "desde", "inicio", "since", "start"),
}  # fmt: skip
_MEASURES = {
    "m2": ("m2", "m²", "surface", "superficie", "surface m2", "surface en m2", "area", "area m2"),
    "tetes": ("tetes", "nombre de tetes", "betes", "cabecas", "heads"),
}
_BUSINESS = {"business", "entreprise", "societe", "morale", "personne morale", "empresa", "company", "sarl", "sa"}


def _folder() -> Path:
    return Path(settings.MEDIA_ROOT) / "imports"


def meanings(base: Base) -> dict[str, str]:
    """{meaning: title} of what a table for that base may say."""
    found = {
        name: str(title) for name, title in MEANINGS.items() if name != "plate" or base.place == Base.Place.VEHICLE
    }
    return found | {f"measure:{ask['name']}": text.pick(ask["titles"]) for ask in base.asks}


def guess(base: Base, headings: list[str]) -> dict[str, str]:
    """{meaning: heading} as far as the headings say."""
    folded: dict[str, str] = {}
    for heading in headings:
        folded.setdefault(text.fold(heading), heading)
    known = {name: set(words) for name, words in _KNOWN.items()}
    for ask in base.asks:
        words = {text.fold(one) for one in (ask["name"], *ask["titles"].values())}
        known[f"measure:{ask['name']}"] = words | {text.fold(one) for one in _MEASURES.get(text.fold(ask["name"]), ())}
    found, taken = {}, set()
    for meaning in meanings(base):
        for heading in folded:
            if heading in known.get(meaning, ()) and heading not in taken:
                found[meaning] = folded[heading]
                taken.add(heading)
                break
    return found


@transaction.atomic
def receive(base: Base, name: str, raw: bytes, *, by: Actor) -> ImportRun:
    """Keeps the file and recognises its columns. The same bytes for the same base are the same run. Raises Refused, Denied."""
    access.require(by, WRITE, anywhere=True)
    if access.zones(by, WRITE) is not None:
        raise Refused(_("A table is brought by who keeps the register of the whole town."))
    if len(raw) > LARGEST:
        raise Refused(_("This file is larger than %(most)d MB.") % {"most": LARGEST // 1_000_000})
    digest = hashlib.sha256(raw).hexdigest()
    before = ImportRun.objects.filter(base=base, sha256=digest).first()
    if before is not None:
        return before
    try:
        first = next(tables.rows(raw), None)
    except tables.BadTable as error:
        raise Refused(str(error)) from error
    headings = [tables.said(one) for one in first or []]
    if not any(headings):
        raise Refused(_("The file is empty."))
    place = _folder()
    place.mkdir(parents=True, exist_ok=True)
    half = place / f"{digest}.part"
    with half.open("wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    half.replace(place / digest)
    run = ImportRun.objects.create(
        base=base,
        name=text.clean(name)[:200] or "table",
        sha256=digest,
        headings=headings,
        columns=guess(base, headings),
        account=by.account,
    )
    audit.record(by, "revenue.import", f"revenue.import:{run.pk}", base=base.slug)
    return run


@transaction.atomic
def look(run: int, columns: Mapping[str, str], *, by: Actor) -> None:
    """Reads the lines, in the worker. columns: {meaning: heading}. Raises Refused."""
    row = _held(run, by)
    if row.state not in (State.NEW, State.READ):
        return
    known = meanings(row.base)
    chosen = {meaning: heading for meaning, heading in columns.items() if heading in row.headings and meaning in known}
    if "name" not in chosen:
        raise Refused(_("Say which column holds the name."))
    row.columns, row.state, row.share, row.problem = chosen, State.READING, 0, ""
    row.save()
    tasks.defer(read_job, tasks.Lane.CAMPAIGN, run=row.pk)


def _held(run: int, by: Actor) -> ImportRun:
    access.require(by, WRITE, anywhere=True)
    if access.zones(by, WRITE) is not None:
        raise Refused(_("A table is brought by who keeps the register of the whole town."))
    return ImportRun.objects.select_for_update(of=("self",)).select_related("base").get(pk=run)


@tasks.task
def read_job(run: int) -> None:
    """Looks at each line and keeps what it says; then finds who may be there already. Begun again, it begins anew."""
    row = ImportRun.objects.select_related("base").get(pk=run)
    if row.state != State.READING:
        return
    with translation.override(town.current().languages[0]):
        try:
            lines = list(_lines(row))
        except (tables.BadTable, OSError) as error:
            ImportRun.objects.filter(pk=run).update(state=State.NEW, problem=str(error)[:300])
            return
        _share(run, 10)
        with transaction.atomic():
            ImportRow.objects.filter(run=run).delete()
            with connection.cursor() as cursor:
                columns = 'run_id, number, "values", problem, score, decision'
                with cursor.copy(f"COPY revenue_import_row ({columns}) FROM STDIN") as copy:
                    for number, values, problem in lines:
                        copy.write_row((run, number, json.dumps(values), problem, 0, ""))
                matching.match(run)
                cursor.execute(_THERE, {"run": run, "base": row.base_id, "said": _("It is in the register already.")})
            rows = ImportRow.objects.filter(run=run)
            counts = {
                "lines": len(lines),
                "problems": rows.exclude(problem="").count(),
                "doubles": rows.filter(problem="", same__isnull=False).count(),
            }
            ImportRun.objects.filter(pk=run).update(state=State.READ, share=100, counts=counts)


def _share(run: int, share: int) -> None:
    ImportRun.objects.filter(pk=run).update(share=share)


def _lines(run: ImportRun) -> Iterator[tuple[int, dict[str, Any], str]]:
    """(line, what it says, what is wrong with it, "" when nothing is)."""
    rows = tables.rows((_folder() / run.sha256).read_bytes())
    next(rows, None)
    place = {meaning: run.headings.index(heading) for meaning, heading in run.columns.items()}
    bounds = territory.town_bounds()
    for number, cells in enumerate(rows, 2):
        if number > MOST + 1:
            raise tables.BadTable(_("The file has more than %(most)d lines: bring it in parts.") % {"most": MOST})
        given = {meaning: tables.said(cells[n]) if n < len(cells) else "" for meaning, n in place.items()}
        if not any(given.values()):
            continue
        try:
            yield number, _said(run.base, given, bounds), ""
        except (Refused, ValidationError) as error:
            said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
            yield (
                number,
                {name: given[name] for name in ("name", "phone", "words", "plate") if name in given},
                said[:200],
            )


def _said(base: Base, given: Mapping[str, str], bounds: tuple[float, float, float, float] | None) -> dict[str, Any]:
    """A line as it is kept. Raises Refused, ValidationError."""
    name = given["name"][:200]
    folded = text.fold(name)
    if len(folded) < 2:
        raise Refused(_("There is no name."))
    found: dict[str, Any] = {"name": name, "folded": folded[:200]}
    for one, length in (("trade", 120), ("tax_number", 40), ("address", 200), ("words", 120)):
        found[one] = given.get(one, "")[:length]
    kind = text.fold(given.get("kind", ""))
    found["kind"] = Taxpayer.Kind.BUSINESS if _BUSINESS & {kind, *kind.split()} else Taxpayer.Kind.PERSON
    typed = given.get("phone", "").split("/")[0].strip()
    found["phone"] = people.normal_phone(typed) if typed else ""
    if email := given.get("email", "").lower():
        validate_email(email)
    found["email"] = email
    found["plate"] = numbers.plate(given.get("plate", ""))
    asked = {ask["name"]: given.get(f"measure:{ask['name']}", "") for ask in base.asks}
    found["measures"] = actions.measured(base, asked)
    position = given.get("position", "") or (
        f"{given['lat']}, {given['lon']}" if given.get("lat") and given.get("lon") else ""
    )
    if position:
        point = territory.read_point(position)
        if point is None:
            raise Refused(_("No point can be read here: %(typed)s") % {"typed": position[:60]})
        if bounds and not (bounds[0] <= point[0] <= bounds[2] and bounds[1] <= point[1] <= bounds[3]):
            raise Refused(_("This point is outside the town."))
        found["lon"], found["lat"] = point
    found["since"] = _day(given["since"]) if given.get("since") else f"{timezone.localdate().year}-01-01"
    return found


def _day(typed: str) -> str:
    if len(typed) == 4 and typed.isdecimal():
        return f"{typed}-01-01"
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"):
        try:
            return datetime.strptime(typed, form).date().isoformat()
        except ValueError:
            continue
    raise Refused(_("No date can be read here: %(typed)s") % {"typed": typed[:40]})


# The same thing of the same taxpayer is not declared again.
_THERE = """
UPDATE revenue_import_row r SET problem = %(said)s
FROM revenue_part p JOIN revenue_taxed t ON t.id = p.taxed_id
WHERE r.run_id = %(run)s AND r.problem = '' AND p.taxpayer_id = r.same_id AND r.score >= 85 AND t.base_id = %(base)s AND t.state <> 'gone'
  AND lower(t.words) = lower(r.values ->> 'words') AND t.plate = r.values ->> 'plate' AND (t.words <> '' OR t.plate <> '')
"""


@transaction.atomic
def decide(run: int, decisions: Mapping[int, str], *, by: Actor) -> None:
    """{row: "new", "same" or "skip"}. Raises Refused."""
    row = _held(run, by)
    if row.state != State.READ:
        raise Refused(_("This table is brought in already."))
    for decision in (Decision.NEW, Decision.SAME, Decision.SKIP):
        chosen = [pk for pk, said in decisions.items() if said == decision]
        ImportRow.objects.filter(run=run, pk__in=chosen, same__isnull=False).update(decision=decision)


@transaction.atomic
def decide_all(run: int, how: str, *, by: Actor) -> None:
    """What is not decided yet: "new", "same", "skip", or "sure": the same from SURE up, new below. Raises Refused."""
    row = _held(run, by)
    if row.state != State.READ:
        raise Refused(_("This table is brought in already."))
    rows = ImportRow.objects.filter(run=run, problem="", same__isnull=False, decision="")
    if how == "sure":
        rows.filter(score__gte=SURE).update(decision=Decision.SAME)
        rows.filter(score__lt=SURE).update(decision=Decision.NEW)
    elif how in (Decision.NEW, Decision.SAME, Decision.SKIP):
        rows.update(decision=how)


def waiting(run: ImportRun) -> int:
    """Lines that somebody has to decide."""
    return ImportRow.objects.filter(run=run, problem="", same__isnull=False, decision="").count()


def ready(run: ImportRun) -> int:
    """Lines that would be brought in."""
    return ImportRow.objects.filter(run=run, problem="").exclude(decision=Decision.SKIP).count()


@transaction.atomic
def bring(run: int, *, by: Actor) -> None:
    """Writes what was looked at, in the worker; once. Raises Refused."""
    row = _held(run, by)
    if row.state != State.READ:
        return
    if waiting(row):
        raise Refused(_("Decide first which lines are taxpayers who are there already."))
    row.state, row.share, row.account = State.BRINGING, 0, by.account
    row.save()
    audit.record(by, "revenue.bring_table", f"revenue.import:{row.pk}")
    tasks.defer(bring_job, tasks.Lane.CAMPAIGN, run=row.pk)


@tasks.task
def bring_job(run: int) -> None:
    """In parts, each a transaction; what an interruption left is written by the next try, what is there stays."""
    row = ImportRun.objects.select_related("base").get(pk=run)
    if row.state != State.BRINGING:
        return
    by = Actor(account=row.account, system=True)
    todo = ImportRow.objects.filter(run=run, problem="").exclude(decision=Decision.SKIP).order_by("number")
    total, done = todo.count(), 0
    while True:
        with transaction.atomic():
            part = list(todo.filter(made=None).values_list("pk", "number", "values", "same", "decision")[:CHUNK])
            if not part:
                break
            rows = [_row(row, *one[1:]) for one in part]
            bulk.bring(rows, by=by)
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE revenue_import_row r SET made_id = t.id FROM unnest(%s::bigint[], %s::uuid[]) AS m(row, client)"
                    " JOIN revenue_taxed t ON t.client_id = m.client WHERE r.id = m.row",
                    [[one[0] for one in part], [one.client_id for one in rows]],
                )
        done += len(part)
        _share(run, min(99, 100 * done // max(1, total)))
    made = ImportRow.objects.filter(run=run, made__isnull=False)
    taxpayers = made.exclude(decision=Decision.SAME).values("made__parts__taxpayer").distinct().count()
    counts = {**row.counts, "taxed": made.count(), "taxpayers": taxpayers}
    ImportRun.objects.filter(pk=run).update(state=State.DONE, share=100, counts=counts)
    (_folder() / row.sha256).unlink(missing_ok=True)


def _client(run: int, line: int) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.revenue.import:{run}:{line}")


def _row(run: ImportRun, number: int, said: Mapping[str, Any], same: int | None, decision: str) -> bulk.Row:
    """Two lines of one file are one taxpayer by tax number, or by telephone and name."""
    key = said["tax_number"] or (f"{said['phone']} {said['folded']}" if said["phone"] else f"line {number}")
    names = ("name", "kind", "trade", "phone", "email", "tax_number", "address", "words", "plate", "measures")
    return bulk.Row(
        client_id=_client(run.pk, number), base=run.base_id, who=uuid.uuid5(uuid.NAMESPACE_OID, f"toguna.revenue.import:{run.pk}:{key}"),
        taxpayer=same if decision == Decision.SAME else None, lon=said.get("lon"), lat=said.get("lat"),
        since=date.fromisoformat(said["since"]), **{name: said[name] for name in names},
    )  # fmt: skip


def forget() -> None:
    """What the lines of tables said goes after three months, and files that nobody went on with."""
    old = ImportRun.objects.filter(at__lt=timezone.now() - KEPT)
    for run in old.exclude(state__in=(State.READING, State.BRINGING)):
        (_folder() / run.sha256).unlink(missing_ok=True)
    ImportRow.objects.filter(run__in=old).delete()
