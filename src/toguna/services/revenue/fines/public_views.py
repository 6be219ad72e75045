"""A ticket as whoever got it sees it: what, where, by which law, and how to pay or contest it. Thin: see `contesting`."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import limits, text
from toguna.kernel.web import Request, public
from toguna.services.revenue.fines import books, contesting, reads, tickets
from toguna.services.revenue.fines.books import Refused
from toguna.services.revenue.fines.forms import ContestForm, FindForm
from toguna.services.revenue.models import Ticket, TicketContest, TicketPhoto
from toguna.services.revenue.register import numbers

TRIES, PICTURES = 30, 200  # an hour, of one number: plates are not to be guessed


def holds(row: Ticket, typed: str) -> bool:
    """Whether somebody who types this has the ticket, or the vehicle, before them."""
    if row.plate:
        return numbers.plate(typed) == row.plate
    name = row.name or (row.taxpayer.name if row.taxpayer else "")
    return bool(name) and sorted(text.fold(typed).split()) == sorted(text.fold(name).split())


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    response["Referrer-Policy"] = (
        "same-origin"  # the address says the plate; without any, browsers would not say whence a form comes
    )
    return response


@public
def find(request: Request) -> HttpResponse:
    typed = books.read(request.GET.get("number", ""))
    if typed:
        return redirect(f"{reverse('fine', args=[typed])}?{urlencode({'plate': request.GET.get('plate', '')[:200]})}")
    return render(request, "revenue/fines/find.html", {"form": FindForm()})


def _held(request: Request, number: str, what: str = "fine", at_most: int = TRIES) -> Ticket | None:
    plate = request.GET.get("plate", "")[:200]
    if not plate.strip():
        return None
    limits.hit(what, books.read(number), at_most=at_most, per=timedelta(hours=1))
    rows = Ticket.objects.select_related("bill", "infraction", "taxpayer")
    row = rows.filter(number=books.read(number)).first()
    return row if row is not None and holds(row, plate) else None


@public
def fine(request: Request, number: str) -> HttpResponse:
    """?plate= or the name, as it stands on the ticket. Without it nothing is said, not even whether there is such a ticket."""
    row = _held(request, number)
    if row is None:
        asked = bool(request.GET.get("plate", "").strip())
        form = FindForm(initial={"number": books.read(number), "plate": request.GET.get("plate", "")})
        values = {"form": form, "missed": asked}
        return _private(render(request, "revenue/fines/find.html", values, status=404 if asked else 200))
    contests = list(row.contests.all())
    waits = any(one.state == TicketContest.State.OPEN for one in contests)
    values = {
        "row": row, "bill": row.bill, "lines": row.bill.lines.all(), "contests": contests, "waits": waits,
        "stand": reads.stand(row, waits), "photos": row.photos.filter(shown=True, contest=None), "plate": request.GET["plate"],
        "may_contest": not waits and row.state != Ticket.State.CANCELLED and timezone.localdate() <= row.contest_until
        and len(contests) < contesting.MOST,
    }  # fmt: skip
    return _private(render(request, "revenue/fines/fine.html", values))


@public
def photo(request: Request, number: str, pk: int) -> FileResponse:
    row = _held(request, number, "fine-photo", PICTURES)
    found = get_object_or_404(TicketPhoto, pk=pk, ticket=row, shown=True, contest=None) if row else None
    if found is None or not tickets.photo_path(found).is_file():
        raise Http404(_("There is no photo of it."))
    response = FileResponse(tickets.photo_path(found).open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = "private, no-store"
    return response


@public
def contest(request: Request, number: str) -> HttpResponse:
    row = _held(request, number)
    if row is None:
        return redirect("fine", books.read(number) or "-")
    back = f"{reverse('fine', args=[row.number])}?{urlencode({'plate': request.GET['plate']})}"
    form = ContestForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        files = [form.cleaned_data[name] for name in ("first", "second")]
        said = form.cleaned_data
        try:
            if any(isinstance(one, UploadedFile) and (one.size or 0) > cases.MOST_BYTES for one in files):
                raise Refused(_("This photo is too large (%(size)d MB at most).") % {"size": 12})
            contesting.contest(
                row, said["reason"], client_id=said["client_id"], by=request.actor, phone=said["phone"],
                files=[one.read() for one in files if one],
            )  # fmt: skip
        except Refused as error:
            form.add_error(None, str(error))
        except ValidationError as error:
            form.add_error("phone", error)
        else:
            return _private(redirect(f"{back}&sent=1#contest"))
    values = {"row": row, "form": form, "back": back}
    return _private(render(request, "revenue/fines/contest.html", values, status=422 if form.errors else 200))
