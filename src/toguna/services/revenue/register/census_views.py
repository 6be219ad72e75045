"""The census on a tablet: a page that goes on without network, and what comes back of it. Thin: see `census`."""

from __future__ import annotations

import dataclasses

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import access, codes, offline, text, town
from toguna.kernel.web import Request, public, staff
from toguna.services.revenue.models import Base, Taxed
from toguna.services.revenue.register import census, reads
from toguna.services.revenue.register.actions import WRITE

MOST_RECORDS = 20  # in one batch


@staff(WRITE)
def app(request: Request) -> HttpResponse:
    """The page: it holds nothing of any taxpayer, so that the tablet may keep it."""
    bases = reads.bases()
    asks: dict[str, tuple[str, list[str]]] = {}
    for base in bases:
        for ask in base.asks:
            asks.setdefault(ask["name"], (text.pick(ask["titles"]), []))[1].append(base.slug)
    values = {
        "bases": bases, "asks": [(name, title, " ".join(slugs)) for name, (title, slugs) in asks.items()],
        "vehicles": " ".join(base.slug for base in bases if base.place == Base.Place.VEHICLE),
    }  # fmt: skip
    return render(request, "revenue/census.html", values)


@staff(WRITE)
def me(request: Request) -> HttpResponse:
    """Whose session this is, and what a form needs to be sent in it."""
    return offline.me(request)


@staff(WRITE)
def sync(request: Request) -> HttpResponse:
    """Takes {"account": ID, "records": [...]}; answers {"results": [{id, state, says, code}]}, one for each."""
    sent = offline.batch(request, MOST_RECORDS)
    if isinstance(sent, HttpResponse):
        return sent
    return offline.private(
        {"results": [dataclasses.asdict(census.apply(row, by=request.actor)) for row in sent["records"]]}
    )


@staff(WRITE)
def photo(request: Request) -> HttpResponse:
    """Takes one photo: account, id, of (the record's id); the file in `photo`."""
    file = offline.photo(request, cases.MOST_BYTES)
    if isinstance(file, HttpResponse):
        return file
    result = census.add_photo(request.POST.get("id", ""), request.POST.get("of", ""), file.read(), by=request.actor)
    return offline.private(dataclasses.asdict(result))


@staff("revenue.read")
def shown_photo(request: Request, code: str) -> FileResponse:
    row = get_object_or_404(Taxed, code=codes.read(code))
    path = census.photo_path(row.photo or "-")
    if (
        not row.photo
        or not access.can(request.actor, "revenue.read", zone=row.zone_id, anywhere=row.zone_id is None)
        or not path.is_file()
    ):
        raise Http404(_("There is no photo of it."))
    return FileResponse(path.open("rb"), content_type="image/jpeg")


@public
def worker(request: HttpRequest) -> HttpResponse:
    return offline.worker(
        request, "census", "/census/app", ("revenue/census.js", "revenue/census.css"), scope="/census/"
    )


@public
def manifest(request: HttpRequest) -> HttpResponse:
    name = _("%(town)s: census") % {"town": town.current().name}
    return offline.manifest(name, _("Census"), start="/census/app", scope="/census/")
