"""Infractions in the back office: the register, a ticket, its kinds, who comes back, the books of numbers. Thin."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator
from io import StringIO
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, money, tables, text
from toguna.kernel.models import AuditEntry
from toguna.kernel.web import Request, staff
from toguna.services.revenue.fines import books, contesting, impounding, kinds, papers, reads, tickets
from toguna.services.revenue.fines.books import DECIDE, WRITE, Refused
from toguna.services.revenue.fines.forms import DecideForm, KindForm, PoundForm, ReasonForm, TicketForm
from toguna.services.revenue.models import Infraction, Ticket, TicketBook, TicketContest, TicketPhoto

PAGE = 50
DESK = uuid.UUID("6f0c6d53-6a34-4b8e-9d53-2f0b6a1d7c90")  # the device that stands for the back office itself
STEPS: dict[str, Any] = {
    "revenue.ticket": gettext_lazy("Written"),
    "revenue.contest_ticket": gettext_lazy("Contested"),
    "revenue.decide_ticket": gettext_lazy("Answered"),
    "revenue.cancel_ticket": gettext_lazy("Cancelled"),
    "revenue.show_ticket_photo": gettext_lazy("Photo shown, or not"),
    "revenue.infraction": gettext_lazy("Changed"),
}


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else None


@staff(reads.READ)
def tickets_page(request: Request) -> HttpResponse:
    """The register. ?stands=&kind=&zone=&q=&page="""
    asked, zone = request.GET, _number(request.GET.get("zone", ""))
    rows = reads.narrowed(
        reads.reach(request.actor), stands=asked.get("stands", ""), kind=asked.get("kind", ""), words=asked.get("q", "")[:80],
        zones=territory.zone_tree_ids(zone) if zone is not None else None,
    )  # fmt: skip
    page = max(1, min(_number(asked.get("page", "")) or 1, 2000))
    shown = list(rows[(page - 1) * PAGE : page * PAGE + 1])
    waits = reads.contested(shown)
    values = {
        "rows": [(row, reads.stand(row, row.pk in waits)) for row in shown[:PAGE]], "next": page + 1 if len(shown) > PAGE else "",
        "stands": reads.STANDS, "kinds": [(one.slug, text.pick(one.titles)) for one in Infraction.objects.all()],
        "districts": [(one.id, one.name) for one in territory.districts()], "words": asked.get("q", "")[:80],
        "may_write": access.can(request.actor, WRITE, anywhere=True), "may_decide": access.can(request.actor, DECIDE, anywhere=True),
    }  # fmt: skip
    return render(request, "revenue/fines/register.html", values)


def _found(request: Request, number: str, permission: str = reads.READ) -> Ticket:
    """404 for one out of reach: numbers cannot be tried."""
    rows = Ticket.objects.select_related("bill__payer", "infraction", "taxpayer", "book", "zone")
    row = get_object_or_404(rows, number=books.read(number))
    if not access.can(request.actor, permission, zone=row.zone_id, anywhere=row.zone_id is None):
        raise Http404(_("There is no such ticket."))
    return row


def _history(subject: str) -> list[dict[str, Any]]:
    rows = list(AuditEntry.objects.filter(subject=subject, action__in=STEPS).order_by("-at", "-pk")[:40])
    names = dict(
        people.Account.objects.filter(pk__in=[one.account for one in rows if one.account]).values_list("pk", "name")
    )
    return [
        {
            "at": one.at, "title": STEPS[one.action], "who": names.get(one.account or 0, ""), "why": str(one.data.get("reason", "")),
            "changed": [(name, _said(old), _said(new)) for name, (old, new) in (one.data.get("changed") or {}).items()],
        }
        for one in rows
    ]  # fmt: skip


def _said(value: Any) -> str:
    return text.pick(value) if isinstance(value, dict) else str(value)


@staff(reads.READ)
def ticket(request: Request, number: str) -> HttpResponse:
    """One ticket. Reading it is recorded."""
    row = _found(request, number)
    audit.record(request.actor, "revenue.read_ticket", f"revenue.ticket:{row.pk}")
    contests = list(row.contests.prefetch_related("photos"))
    waits = next((one for one in contests if one.state == TicketContest.State.OPEN), None)
    officer = people.Account.objects.filter(pk=row.account).first()
    others = (
        reads.reach(request.actor).filter(plate=row.plate).exclude(pk=row.pk) if row.plate else Ticket.objects.none()
    )
    values = {
        "row": row, "bill": row.bill, "lines": row.bill.lines.all(), "stand": reads.stand(row, waits is not None), "contests": contests,
        "waits": waits, "decide": DecideForm() if waits else None, "cancel": ReasonForm(), "photos": row.photos.filter(contest=None),
        "officer": officer.name if officer else "", "history": _history(f"revenue.ticket:{row.pk}"), "others": others.order_by("-at")[:10],
        "phone": people.shown("phone", row.phone) if row.phone else "",
        "wrong_paper": row.printed is not None and row.printed != row.bill.lines.first().amount,  # type: ignore[union-attr]
        "may_decide": access.can(request.actor, DECIDE, zone=row.zone_id, anywhere=row.zone_id is None),
        "may_write": access.can(request.actor, WRITE, zone=row.zone_id, anywhere=row.zone_id is None),
        "pound": PoundForm(initial={"plate": row.plate}) if row.plate and row.infraction.impound else None,
        "held": row.impounds.filter(released=None).first(),
    }  # fmt: skip
    return render(request, "revenue/fines/ticket.html", values)


@staff(WRITE)
@require_POST
def act(request: Request, number: str) -> HttpResponse:
    """do=decide|cancel|photo|pound."""
    row, post = _found(request, number), request.POST
    try:
        match post.get("do"):
            case "decide":
                form = DecideForm(post)
                contest = row.contests.filter(state=TicketContest.State.OPEN).first()
                if not form.is_valid():
                    raise Refused(" ".join(str(words) for found in form.errors.values() for words in found))
                if contest is not None:
                    said = form.cleaned_data
                    contesting.decide(contest.pk, said["state"], said["words"], by=request.actor, amount=said["amount"])
            case "cancel":
                contesting.cancel(row.pk, reason=post.get("reason", ""), by=request.actor)
            case "photo":
                one = get_object_or_404(row.photos, pk=_number(post.get("photo", "")) or 0)
                tickets.show_photo(one.pk, post.get("show") == "1", by=request.actor)
            case "pound":
                once = PoundForm(post)
                if not once.is_valid():
                    raise Refused(_("Say where it stands."))
                held = impounding.bring_in(
                    row.plate, once.cleaned_data["place"], client_id=once.cleaned_data["client_id"], by=request.actor, ticket=row,
                    words=once.cleaned_data["words"],
                )  # fmt: skip
                return redirect("desk-impound", held.pk)
            case _:
                raise Refused(_("There is no such action."))
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-ticket", row.number)


@staff(WRITE)
def new(request: Request) -> HttpResponse:
    """A ticket with network, or one that was written by hand. ?for=NOTE: the front desk knows who."""
    given = request.POST if request.method == "POST" else request.GET
    served = people.serving(given.get(people.NOTE), by=request.actor)
    known = {"name": served.name, "phone": people.typed_contact(served)} if served else {}
    form = TicketForm(request.POST or None, initial={name: value for name, value in known.items() if value})
    if request.method == "POST" and form.is_valid():
        said = dict(form.cleaned_data)
        once, kind = said.pop("client_id"), Infraction.objects.get(slug=said.pop("kind"))
        try:
            book = books.take(DESK, by=request.actor)
            made = tickets.write(
                tickets.Found(book, books.next_leaf(book), kind, timezone.now(), **said),
                client_id=once,
                by=request.actor,
            )
        except Refused as error:
            form.add_error(None, str(error))
        except ValidationError as error:
            form.add_error("phone", error)
        else:
            messages.success(request, _("Ticket %(number)s is written.") % {"number": made.number})
            return redirect("desk-ticket", made.number)
    values = {
        "form": form, "title": _("Write a ticket"), "button": _("Write the ticket"), "back": reverse("desk-fines"),
        "lead": "" if reads.offered() else _("No price holds for any infraction yet: write the council’s act at the tariffs first."),
    }  # fmt: skip
    return render(request, "revenue/form.html", values, status=422 if form.errors else 200)


@staff(reads.READ)
def paper(request: Request, number: str, kind: str) -> HttpResponse:
    """kind: pdf, or bin for a printer of rolls of 58 mm."""
    row = _found(request, number)
    if kind == "pdf":
        headers = {"Content-Disposition": f'inline; filename="{row.number}.pdf"'}
        size: Any = "58" if request.GET.get("size") == "58" else "a6"
        return HttpResponse(
            ledger.receipt_pdf(papers.ticket(row), size), content_type="application/pdf", headers=headers
        )
    if kind != "bin":
        raise Http404
    headers = {"Content-Disposition": f'attachment; filename="{row.number}.bin"'}
    return HttpResponse(
        ledger.receipt_bytes(papers.ticket(row), "58"), content_type="application/octet-stream", headers=headers
    )


@staff(reads.READ)
def photo(request: Request, number: str, pk: int) -> FileResponse:
    found = get_object_or_404(TicketPhoto, pk=pk, ticket=_found(request, number))
    if not tickets.photo_path(found).is_file():
        raise Http404(_("There is no photo of it."))
    return FileResponse(tickets.photo_path(found).open("rb"), content_type="image/jpeg")


@staff(reads.READ)
def repeat(request: Request) -> HttpResponse:
    """Plates with two tickets and more in twelve months."""
    rows = reads.repeat(reads.reach(request.actor), least=2)
    return render(request, "revenue/fines/repeat.html", {"rows": rows})


COLUMNS = (
    "number", "at", "infraction", "law", "plate", "name", "place", "issued", "amount", "paid", "left", "more", "transmitted", "reference",
)  # fmt: skip


@staff(DECIDE)
def court(request: Request) -> StreamingHttpResponse:
    """What went on to the court and is not paid, as a table. Taking it away is recorded."""
    audit.record(request.actor, "revenue.court_list", "revenue.ticket")
    rows = reads.narrowed(reads.reach(request.actor, DECIDE), stands="court")
    response = StreamingHttpResponse(_table(rows), content_type="text/csv; charset=utf-8")
    day = timezone.localdate().isoformat()
    response["Content-Disposition"] = f'attachment; filename="{day}-court.csv"'
    return response


def _table(rows: Any) -> Iterator[str]:
    def line(values: Any) -> str:
        made = StringIO()
        csv.writer(made, lineterminator="\r\n").writerow([tables.safe(str(value)) for value in values])
        return made.getvalue()

    yield "\ufeff" + line(COLUMNS)
    for row in rows.select_related("taxpayer").iterator(chunk_size=500):
        bill, name = row.bill, row.name or (row.taxpayer.name if row.taxpayer else "")
        yield line(
            [
                row.number, timezone.localtime(row.at).isoformat(timespec="minutes"), row.words, row.law, row.plate, name, row.place,
                bill.issued.isoformat(), bill.amount, bill.paid, bill.left, "yes" if row.raised else "no",
                timezone.localdate(row.went_at).isoformat() if row.went_at else "", bill.reference,
            ]
        )  # fmt: skip


@staff(reads.READ)
def kinds_page(request: Request) -> HttpResponse:
    rows = []
    for one in Infraction.objects.all():
        price = kinds.price(one)
        said = ""
        if price is not None:
            said = money.shown(price.flat) if price.flat is not None else _("by %(unit)s") % {"unit": price.by}
        rows.append((one, said))
    values = {"rows": rows, "may_decide": access.can(request.actor, DECIDE)}
    return render(request, "revenue/fines/kinds.html", values)


@staff(DECIDE)
def kind(request: Request, slug: str = "") -> HttpResponse:
    """A kind, with its history."""
    row = get_object_or_404(Infraction, slug=slug) if slug else None
    form = KindForm(request.POST or None, kind=row)
    if request.method == "POST" and form.is_valid():
        name = slug or form.cleaned_data["slug"]
        if row is None and Infraction.objects.filter(slug=name).exists():
            form.add_error("slug", _("There is one with this name already."))
        else:
            try:
                made = kinds.write(name, form.told(), by=request.actor)
            except Refused as error:
                form.add_error(None, str(error))
            else:
                messages.success(request, _("Done."))
                return redirect("desk-infraction", made.slug)
    values = {"form": form, "row": row, "history": _history(f"revenue.infraction:{row.pk}") if row else []}
    return render(request, "revenue/fines/kind.html", values, status=422 if form.errors else 200)


@staff(DECIDE)
def books_page(request: Request) -> HttpResponse:
    """Each book: used, void, missing."""
    rows = list(TicketBook.objects.order_by("-pk")[:200])
    names = dict(people.Account.objects.filter(pk__in={one.account for one in rows}).values_list("pk", "name"))
    values = {
        "rows": [(one, names.get(one.book.account, ""), one.book.device == DESK) for one in books.standings(rows)], "leaves": books.LEAVES
    }  # fmt: skip
    return render(request, "revenue/fines/books.html", values)


@staff(DECIDE)
@require_POST
def act_on_book(request: Request, pk: int) -> HttpResponse:
    """do=end|void, leaf=, reason="""
    get_object_or_404(TicketBook, pk=pk)
    try:
        if request.POST.get("do") == "void":
            books.void(
                pk, _number(request.POST.get("leaf", "")) or 0, reason=request.POST.get("reason", ""), by=request.actor
            )
        else:
            books.end(pk, reason=request.POST.get("reason", ""), by=request.actor)
        messages.success(request, _("Done."))
    except Refused as error:
        messages.error(request, str(error))
    return redirect("desk-ticket-books")
