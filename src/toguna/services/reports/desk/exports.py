"""Taking reports away: CSV and Excel of a list (streamed: the memory is the same for ten and for a million), PDF of a list
and of one report. Each is recorded; with names and contacts, so is each report."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import xlsxwriter  # type: ignore[import-untyped]
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, tables, text
from toguna.kernel.web import Request, staff
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import lists, paper
from toguna.services.reports.desk import report as one

OURS = REPORT.name
EXPORT = "reports.export"
BATCH = 1000
MOST_WITH_PEOPLE, MOST_EXCEL, MOST_PAPER = 2000, 100_000, 500
Cell = str | int | float | datetime | None


@staff(EXPORT)
def export(request: Request) -> HttpResponseBase:
    """format=csv|xlsx|pdf of what a list's query shows, or of the reports named by case=CODE; people=yes adds who."""
    if request.method != "POST":
        return redirect("desk-reports")
    post, actor = request.POST, request.actor
    query, ticked = post.get("query", ""), post.getlist("case")
    if ticked:
        wanted = [codes.read(code) for code in ticked[: cases.MOST_BULK]]
        found = lists.narrowed(actor, {}, EXPORT).filter(code__in=wanted)
    else:
        found = lists.shown(actor, QueryDict(query).dict(), EXPORT)
    kind, whole = post.get("format", "csv"), post.get("people") == "yes"
    if kind == "pdf":
        whole = False  # paper is left on desks
    most = {"xlsx": MOST_EXCEL, "pdf": MOST_PAPER}.get(kind)
    most = MOST_WITH_PEOPLE if whole else most
    if most is not None and found.order_by()[: most + 1].count() > most:
        messages.error(
            request,
            _("This list is too long for that (%(most)d at most): narrow it, or take the CSV without names.")
            % {"most": most},
        )
        return redirect(f"/desk/reports/?{query}")
    with transaction.atomic():
        audit.record(actor, EXPORT, format=kind, ticked=len(ticked), people=whole)
        if whole:
            found = cases.Case.objects.filter(pk__in=list(found.values_list("pk", flat=True)))
            for pk in found.filter(reporter__isnull=False).values_list("pk", flat=True):
                audit.record(actor, "reports.read_reporter", f"cases.case:{pk}", export=True)
    name = "-".join([_("reports"), timezone.localdate().isoformat()])
    match kind:
        case "xlsx":
            return FileResponse(_xlsx(found, whole), as_attachment=True, filename=f"{name}.xlsx")
        case "pdf":
            return _pdf(paper.table(_("Reports"), *_printed(found)), f"{name}.pdf")
        case _:
            response = StreamingHttpResponse(_csv(found, whole), content_type="text/csv; charset=utf-8")
            response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
            return response


def headings(whole: bool) -> list[str]:
    named = [
        _("Code"), _("Category"), _("State"), _("District"), _("Team"), _("Person"), _("Came by"), _("Received"), _("Due"),
        _("Closed"), _("Place"), _("Words"), _("Me too"), _("Stars"), _("Longitude"), _("Latitude"),
    ]  # fmt: skip
    return [*named, _("Name"), _("Contacts")] if whole else named


def rows(found: QuerySet[cases.Case], whole: bool) -> Iterator[list[Cell]]:
    """The newest first, read a thousand at a time by key: nothing is held, in our memory or in the database."""
    related = ("topic", "zone", "team", "assignee", "reporter")
    found = found.select_related(*related).defer("zone__geom", "topic__questions").order_by("-id")
    if whole:
        found = found.prefetch_related("reporter__contacts")
    last: int | None = None
    while True:
        batch = list((found if last is None else found.filter(pk__lt=last))[:BATCH])
        for case in batch:
            yield _row(case, whole)
        if len(batch) < BATCH:
            return
        last = batch[-1].pk


def _row(case: cases.Case, whole: bool) -> list[Cell]:
    values: list[Cell] = [
        case.code,
        tables.safe(text.pick(case.topic.names)),
        str(REPORT.state(case.state).title),
        tables.safe(case.zone.name) if case.zone else "",
        tables.safe(text.pick(case.team.names)) if case.team else "",
        tables.safe(str(case.assignee)) if case.assignee else "",
        str(lists.CHANNELS.get(case.channel, case.channel)),
        timezone.localtime(case.created),
        timezone.localtime(case.due) if case.due else None,
        timezone.localtime(case.closed) if case.closed else None,
        tables.safe(case.place),
        tables.safe(case.text),
        case.supporters,
        case.rating,
        round(case.point.x, 6) if case.point else None,
        round(case.point.y, 6) if case.point else None,
    ]
    if whole:
        who = case.reporter
        values += [
            tables.safe(who.name) if who else "",
            tables.safe(", ".join(people.shown(c.kind, c.value) for c in who.contacts.all())) if who else "",
        ]
    return values


def _csv(found: QuerySet[cases.Case], whole: bool) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)

    def taken() -> bytes:
        data = buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
        return data

    yield b"\xef\xbb\xbf"  # or Excel reads é as Ã©
    writer.writerow(headings(whole))
    for n, row in enumerate(rows(found, whole)):
        writer.writerow([v.isoformat(timespec="minutes") if isinstance(v, datetime) else v for v in row])
        if n % BATCH == 0:
            yield taken()
    yield taken()


def _xlsx(found: QuerySet[cases.Case], whole: bool) -> Any:
    """A file that goes away when it is closed. Words are words: never formulas, never links."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True}
    with xlsxwriter.Workbook(file, options) as book:
        sheet = book.add_worksheet(_("Reports")[:31])
        sheet.freeze_panes(1, 0)
        bold, date = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        sheet.write_row(0, 0, headings(whole), bold)
        for n, row in enumerate(rows(found, whole), start=1):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(n, column, value, date)
                elif isinstance(value, str):
                    sheet.write_string(n, column, value)
                elif value is not None:
                    sheet.write_number(n, column, value)
    file.seek(0)
    return file


def _pdf(data: bytes, name: str) -> HttpResponse:
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}"'
    return response


def _day(moment: datetime | None, with_time: bool = False) -> str:
    if moment is None:
        return ""
    return date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT" if with_time else "SHORT_DATE_FORMAT")


def _printed(found: QuerySet[cases.Case]) -> tuple[list[str], list[list[str]]]:
    """What fits on paper, by deadline."""
    printed = [
        [
            case.code,
            text.pick(case.topic.names),
            " · ".join(filter(None, [case.zone.name if case.zone else "", case.place])),
            case.text[:200],
            text.pick(case.team.names) if case.team else "",
            str(REPORT.state(case.state).title),
            _day(case.due),
        ]
        for case in found.select_related("topic", "zone", "team").order_by("due", "id")
    ]
    return [_("Code"), _("Category"), _("Place"), _("Words"), _("Team"), _("State"), _("Due")], printed


@staff("reports.read")
def pdf(request: Request, code: str) -> HttpResponse:
    """The whole case file on paper, without who reported it: facts, photos, history."""
    case = one.find(request, code)
    if not access.can(request.actor, EXPORT, zone=case.zone_id, subject=case.topic.slug):
        raise access.Denied(request.actor, EXPORT)
    photos = [
        (title, cases.photo_folder(photo) / "large.jpg")
        for name, title in one.moments().items()
        for photo in case.photos.filter(state=cases.Photo.State.READY, moment=name).order_by("id")
    ]
    facts = [
        (_("State"), str(REPORT.state(case.state).title)),
        (_("Received"), _day(case.created, True)),
        (_("Due"), _day(case.due)),
        (_("Place"), case.place),
        (_("Position"), f"{case.point.y:.6f}, {case.point.x:.6f}" if case.point else ""),
        (_("District"), case.zone.name if case.zone else ""),
        (_("Equipment"), str(case.asset or "")),
        (_("Team"), text.pick(case.team.names) if case.team else ""),
        *cases.shown_answers(case.topic.questions, case.answers),
    ]
    history = [
        (
            _day(row["step"].at, True),
            f"{row['title']}: {row['more']}" if row["more"] else str(row["title"]),
            row["who"],
            row["step"].text,
        )
        for row in one.history(case)
    ]
    audit.record(request.actor, "reports.print", f"cases.case:{case.pk}")
    data = paper.case_file(
        title=text.pick(case.topic.names),
        code=case.code,
        words=case.text,
        facts=[(name, value) for name, value in facts if value],
        photos=[(title, path) for title, path in photos if path.exists()],
        heading=_("History"),
        history=history,
    )
    return _pdf(data, f"{case.code}.pdf")
