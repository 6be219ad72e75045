"""The public check page, and the back office of papers and register books."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.documents.issuing import actions, books, checking, seal, templates
from toguna.engines.documents.issuing.forms import (
    BringForm,
    CloseForm,
    EntryForm,
    IssueForm,
    NoteForm,
    ReasonForm,
    TemplateForm,
    initial,
)
from toguna.engines.documents.models.issuing import BookKind, Entry, Issued, PaperTemplate, Register
from toguna.kernel import access, audit, codes, limits, text
from toguna.kernel.web import Request, public, resident, staff

SHOWN = 50


def _pdf(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "private, no-store"}
    return HttpResponse(content, content_type="application/pdf", headers=headers)


@public
def check(request: HttpRequest, code: str = "") -> HttpResponse:
    """What the town says of a paper. ?s=: what its QR says; a posted file is compared, and not kept."""
    if not code and request.GET.get("code"):
        return redirect("check-paper", codes.read(request.GET["code"][:40]) or "2")
    found = checking.check(code) if code else None
    said = request.GET.get("s", "")
    values: dict[str, Any] = {"code": code, "found": found, "qr": None, "same": None}
    if said:
        values["qr"] = checking.check_qr(code, said)
    if request.method == "POST" and found and (file := request.FILES.get("file")):
        limits.hit("check-file", found.code, at_most=60, per=timedelta(hours=1))
        values["same"] = (file.size or 0) <= checking.LARGEST and checking.same_file(code, file.read())
    return render(request, "documents/issuing_check.html", values, status=404 if code and not found else 200)


@public
def key(request: HttpRequest) -> HttpResponse:
    """The key that checks a QR with no network, PEM."""
    return HttpResponse(seal.public_key(), content_type="application/x-pem-file")


@resident
def own_paper(request: Request, code: str) -> HttpResponse:
    """A paper, to whom it is about or who acts for them."""
    made = get_object_or_404(Issued.objects.select_related("template"), code=code, person=request.actor.person or 0)
    audit.record(request.actor, "documents.take_paper", made.subject_key)
    return _pdf(actions.content(made), made.reference)


@staff(actions.ISSUE)
def papers(request: Request) -> HttpResponse:
    """Papers issued lately, or those whose holder, code or number fits ?q=."""
    words = " ".join(request.GET.get("q", "").split())[:100]
    found = Issued.objects.select_related("template").order_by("-at", "-pk")
    if words:
        tail = words.rpartition("-")[2]
        fits = Q(holder__icontains=words) | Q(code=codes.read(words))
        if tail.isdecimal() and len(tail) < 9:
            fits |= Q(number=int(tail))
        found = found.filter(fits)
    values = {
        "papers": found[:SHOWN],
        "words": words,
        "templates": templates.latest(),
        "may_write": access.can(request.actor, templates.WRITE),
    }
    return render(request, "documents/issuing_papers.html", values)


@staff(actions.ISSUE)
def paper(request: Request, code: str) -> HttpResponse:
    made = get_object_or_404(Issued.objects.select_related("template", "replaces"), code=codes.read(code))
    form = ReasonForm(request.POST if request.method == "POST" and request.POST.get("do") == "revoke" else None)
    if request.method == "POST":
        try:
            if request.POST.get("do") == "reprint":
                row, content = actions.reprint(code, by=request.actor)
                return _pdf(content, row.reference)
            if form.is_valid():
                actions.revoke(code, reason=form.cleaned_data["reason"], by=request.actor)
                messages.success(request, _("The paper is taken back. Whoever checks it sees so."))
                return redirect("desk-paper", made.code)
        except templates.Refused as error:
            messages.error(request, str(error))
            return redirect("desk-paper", made.code)
    values = {
        "paper": made,
        "title": text.pick(made.template.title),
        "facts": [(text.pick(f["label"]) or f["name"], made.facts.get(f["name"])) for f in made.template.fields],
        "found": checking.check(made.code),
        "form": form,
        "may_revoke": access.can(request.actor, actions.REVOKE),
    }
    return render(request, "documents/issuing_paper.html", values, status=422 if form.errors else 200)


@staff(actions.ISSUE)
def file(request: Request, code: str) -> HttpResponse:
    made = get_object_or_404(Issued.objects.select_related("template"), code=codes.read(code))
    audit.record(request.actor, "documents.read_paper", made.subject_key)
    return _pdf(actions.content(made), made.reference)


@staff(actions.ISSUE)
def issue(request: Request, name: str) -> HttpResponse:
    row = templates.find(name)
    if row is None:
        return redirect("desk-papers")
    form = IssueForm(row, text.pick, request.POST or None, initial={"signer": request.actor.name})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = actions.issue(
                name,
                form.facts(),
                by=request.actor,
                signer=data["signer"],
                holder=data["holder"],
                client_id=data["client_id"],
            )
            messages.success(request, _("It is issued: %(number)s.") % {"number": made.reference})
            return redirect("desk-paper", made.code)
        except (templates.Refused, seal.BadSeal) as error:
            form.add_error(None, str(error))
    values = {"form": form, "title": text.pick(row.title), "button": _("Sign and issue"), "back": "desk-papers"}
    return render(request, "documents/issuing_form.html", values, status=422 if form.errors else 200)


@staff(templates.WRITE)
def template(request: Request, name: str = "") -> HttpResponse:
    row = templates.find(name) if name else None
    form = TemplateForm(request.POST or None, initial=initial(row) if row else None)
    if request.method == "POST" and form.is_valid():
        try:
            saved = templates.save_template(form.cleaned_data["name"], **form.written(), by=request.actor)
            messages.success(request, _("Saved."))
            return redirect("desk-paper-template", saved.name)
        except templates.Refused as error:
            form.add_error(None, str(error))
    values = {
        "form": form,
        "row": row,
        "title": text.pick(row.title) if row else _("A new paper"),
        "button": _("Save the template"),
        "back": "desk-papers",
    }
    return render(request, "documents/issuing_form.html", values, status=422 if form.errors else 200)


@staff(templates.WRITE)
def preview(request: Request, name: str) -> HttpResponse:
    row = get_object_or_404(PaperTemplate, name=name, version=getattr(templates.find(name), "version", 0))
    return _pdf(actions.preview(row, (get_language() or "fr").split("-")[0]), f"{name}-sample")


@staff(books.READ)
def registers(request: Request) -> HttpResponse:
    """The books, and whoever fits ?q= in their index. A file of an old book is posted here."""
    words, kind = request.GET.get("q", "")[:100], request.GET.get("kind", "")
    bring, report = BringForm(), None
    if request.method == "POST":
        bring = BringForm(request.POST, request.FILES)
        if bring.is_valid():
            data = bring.cleaned_data
            try:
                if data["file"].size > books.LARGEST:
                    raise templates.Refused(
                        _("This file is larger than %(most)d MB.") % {"most": books.LARGEST // 1_000_000}
                    )
                report = books.import_register(
                    data["kind"],
                    data["year"],
                    data["file"].name,
                    data["file"].read(),
                    by=request.actor,
                    volume=data["volume"],
                )
            except templates.Refused as error:
                bring.add_error("file", str(error))
    values = {
        "books": Register.objects.all()[:SHOWN],
        "found": books.find_entries(words, kind=kind if kind in BookKind.values else "") if words else [],
        "words": words,
        "kind": kind,
        "kinds": [("", _("All")), *BookKind.choices],
        "bring": bring,
        "report": report,
        "may_write": access.can(request.actor, books.WRITE),
    }
    return render(request, "documents/issuing_registers.html", values, status=422 if bring.errors else 200)


@staff(books.READ)
def register(request: Request, pk: int) -> HttpResponse:
    book = get_object_or_404(Register, pk=pk)
    form = CloseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            books.close(pk, form.cleaned_data["statement"], by=request.actor)
            messages.success(request, _("The register is closed."))
            return redirect("desk-register", pk)
        except templates.Refused as error:
            form.add_error(None, str(error))
    before = request.GET.get("before", "")
    entries = book.entries.prefetch_related("names").order_by("-number")
    if before.isdecimal() and len(before) < 9:
        entries = entries.filter(number__lt=int(before))
    shown = list(entries[: SHOWN + 1])
    values = {
        "book": book,
        "entries": [(e, ", ".join(n.name for n in e.names.all() if n.role == "subject")) for e in shown[:SHOWN]],
        "more": shown[SHOWN - 1].number if len(shown) > SHOWN else None,
        "form": form,
        "first": book.year - book.year % 10 + 1 if book.year % 10 else book.year - 9,
        "wrong": list(books.broken(book)) if request.GET.get("verify") else None,
        "may_close": access.can(request.actor, books.CLOSE),
    }
    return render(request, "documents/issuing_register.html", values, status=422 if form.errors else 200)


@staff(books.WRITE)
def new_entry(request: Request) -> HttpResponse:
    """The next entry of this year's book. What may be there already is shown, and is to be confirmed."""
    form = EntryForm(request.POST or None, initial={"officer": request.actor.name})
    alike: list[Entry] = []
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = books.register_entry(
                data["kind"],
                form.facts(),
                words=data["words"],
                officer=data["officer"],
                by=request.actor,
                confirmed=data["confirmed"],
                client_id=data["client_id"],
            )
            messages.success(request, _("It is entered: %(number)s.") % {"number": made.reference})
            return redirect("desk-entry", made.pk)
        except books.Duplicate as error:
            alike = error.entries
            form.add_error("confirmed", str(error))
        except templates.Refused as error:
            form.add_error(None, str(error))
    values = {
        "form": form,
        "title": _("A new entry"),
        "button": _("Write it in the book"),
        "back": "desk-registers",
        "alike": alike,
    }
    return render(request, "documents/issuing_form.html", values, status=422 if form.errors else 200)


@staff(books.READ)
def entry(request: Request, pk: int) -> HttpResponse:
    row = get_object_or_404(Entry.objects.select_related("register"), pk=pk)
    do = request.POST.get("do", "") if request.method == "POST" else ""
    form = NoteForm(request.POST if do == "note" else None)
    try:
        if do == "note" and form.is_valid():
            data = form.cleaned_data
            books.note(row, data["text"], reference=data["reference"], by=request.actor, client_id=data["client_id"])
            messages.success(request, _("The note is written in the margin."))
            return redirect("desk-entry", pk)
        if do in ("full", "extract"):
            made = books.copy(row, by=request.actor, full=do == "full")
            messages.success(request, _("It is issued: %(number)s.") % {"number": made.reference})
            return redirect("desk-paper", made.code)
    except (templates.Refused, seal.BadSeal) as error:
        messages.error(request, str(error))
        return redirect("desk-entry", pk)
    if not do:
        audit.record(request.actor, "registers.read", row.subject_key)
    values = {
        "entry": row,
        "names": row.names.all(),
        "notes": row.notes.all(),
        "copies": Issued.objects.select_related("template").filter(subject=row.subject_key).order_by("-pk")[:SHOWN],
        "form": form,
        "may_note": access.can(request.actor, books.NOTE),
        "may_copy": access.can(request.actor, actions.ISSUE),
    }
    return render(request, "documents/issuing_entry.html", values, status=422 if form.errors else 200)


@staff(books.READ)
def decennial(request: Request, kind: str, first: int) -> HttpResponse:
    try:
        return _pdf(books.decennial(kind, first, by=request.actor), f"{kind}-{first}-{first + 9}")
    except templates.Refused as error:
        messages.error(request, str(error))
        return redirect("desk-registers")
