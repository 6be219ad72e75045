"""The inbox of scans, and the page on which a clerk checks what was read. Thin."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import pypdfium2
from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.documents.models.scans import ScanBatch, ScanPage, ScanPart
from toguna.engines.documents.models.store import FileKind
from toguna.engines.documents.scans import actions, port, reading, receiving, sheets
from toguna.engines.documents.store import subjects
from toguna.engines.documents.store.checks import Refused
from toguna.kernel import audit, text
from toguna.kernel.web import Request, staff

SHOWN, MOST_FILES = 50, 20


@staff(subjects.ADD)
def batches(request: Request) -> HttpResponse:
    """What came lately and how far its reading is; files can be brought here."""
    status = 200
    if request.method == "POST":
        files = request.FILES.getlist("files")[:MOST_FILES]
        if not files:
            messages.error(request, _("Choose a file first."))
            status = 422
        for one in files:
            try:
                receiving.receive_scan(one, one.name or "scan", by=request.actor)
            except Refused as error:
                messages.error(request, f"{one.name}: {error}")
                status = 422
        if status == 200:
            messages.success(request, _("Received: it is being read."))
            return redirect("desk-scans")
    rows = ScanBatch.objects.annotate(left=Count("parts", filter=Q(parts__state=ScanPart.State.CHECK))).order_by(
        "-at", "-pk"
    )[:SHOWN]
    reading_now = any(row.state in (ScanBatch.State.RECEIVED, ScanBatch.State.READING) for row in rows)
    values = {"batches": rows, "missing": port.missing(), "refresh": reading_now, "folder": str(receiving.folder())}
    return render(request, "documents/scans_list.html", values, status=status)


@staff(subjects.ADD)
def separators(request: Request) -> HttpResponse:
    """The sheets to lay between documents."""
    headers = {"Content-Disposition": 'inline; filename="sheets.pdf"'}
    return HttpResponse(sheets.drawn(), content_type="application/pdf", headers=headers)


@staff(subjects.ADD)
def batch(request: Request, pk: int) -> HttpResponse:
    """Its documents, its blank sides. do=back, page=: a side that is not blank."""
    row = get_object_or_404(ScanBatch, pk=pk)
    if request.method == "POST" and request.POST.get("do") == "back":
        try:
            actions.take_back(row.pk, _number(request.POST.get("page")), by=request.actor)
        except (Refused, ScanPage.DoesNotExist) as error:
            messages.error(
                request, str(error) if isinstance(error, Refused) else _("This page is not left out any more.")
            )
        return redirect("desk-scan", pk)
    parts = [(one, [side.number for side in one.sides.all()]) for one in row.parts.prefetch_related("sides")]
    values = {
        "row": row, "parts": sorted(parts, key=lambda one: (one[1] or [0])[0]), "blanks": row.sides.filter(blank=True),
        "refresh": row.state in (ScanBatch.State.RECEIVED, ScanBatch.State.READING) and not row.trouble,
    }  # fmt: skip
    return render(request, "documents/scans_batch.html", values)


def _number(typed: str | None) -> int:
    return int(typed) if typed and typed.isascii() and typed.isdecimal() and len(typed) < 10 else 0


class FileForm(forms.Form):
    """What the clerk confirms."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200)
    kind = forms.ChoiceField(label=gettext_lazy("Kind, in the classification plan"), required=False)
    day = forms.DateField(
        label=gettext_lazy("Day of the document"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    reference = forms.CharField(label=gettext_lazy("Reference"), max_length=80, required=False)
    parties = forms.CharField(label=gettext_lazy("Who it is about"), max_length=300, required=False)

    def __init__(self, part: ScanPart, *given: Any) -> None:
        super().__init__(*given)
        kinds = [(one.name, text.pick(one.title)) for one in FileKind.objects.all()]
        self.fields["kind"].choices = [("", "–"), *kinds]  # type: ignore[attr-defined]
        self.doubts: dict[str, tuple[bool, str]] = {}
        for name, one in part.guess.items():
            if name in self.fields and isinstance(one, dict) and "value" in one:
                value = one["value"]
                self.fields[name].initial = ", ".join(value) if isinstance(value, list) else value
                self.doubts[name] = (one["sure"] < 0.6, one["from"])
        if self.fields["kind"].initial not in dict(kinds):
            self.fields["kind"].initial = ""
        for name, (doubtful, words) in self.doubts.items():
            said = _("Read, not sure: “%(words)s”") if doubtful else _("Read: “%(words)s”")
            self.fields[name].help_text = said % {"words": words}


@staff(subjects.ADD)
def part(request: Request, pk: int) -> HttpResponse:
    """One document beside what was read of it. do=file|drop|split:N|join|turn:N:90."""
    row = get_object_or_404(ScanPart.objects.select_related("batch", "file"), pk=pk)
    form = FileForm(row, request.POST if request.POST.get("do") == "file" else None)
    status, notice = 200, ""
    try:
        if request.method == "POST":
            answer = _done(request, row, form)
            if answer is not None:
                return answer
            status = 422
        elif row.state == ScanPart.State.CHECK:
            actions.claim(row.pk, by=request.actor)
    except Refused as error:
        notice, status = str(error), 409
    sides = list(row.sides.all())
    values = {
        "row": row, "form": form, "sides": sides, "notice": notice, "amount": row.guess.get("amount"), "trouble": row.guess.get("trouble"),
        "next": _next(row), "words": "\n\n".join(side.text or "" for side in sides), "open": row.state == ScanPart.State.CHECK,
    }  # fmt: skip
    return render(request, "documents/scans_part.html", values, status=status)


def _done(request: Request, row: ScanPart, form: FileForm) -> HttpResponse | None:
    """What a button does; None when the form has errors."""
    do, _colon, rest = request.POST.get("do", "").partition(":")
    if do == "file":
        if not form.is_valid():
            return None
        found = form.cleaned_data
        kept = actions.file(
            row.pk,
            title=found["title"],
            kind=found["kind"],
            day=found["day"],
            reference=found["reference"],
            parties=found["parties"],
            by=request.actor,
        )
        messages.success(request, _("“%(title)s” is filed.") % {"title": kept.title})
    elif do == "drop":
        actions.drop(row.pk, by=request.actor)
    elif do == "split":
        actions.split(row.pk, _number(rest), by=request.actor)
    elif do == "join":
        actions.join(row.pk, by=request.actor)
    elif do == "turn":
        number, _sep, degrees = rest.partition(":")
        actions.turn(row.pk, _number(number), _number(degrees), by=request.actor)
    else:
        raise Refused(_("There is no such action."))
    following = _next(row) if do in ("file", "drop") else None
    return redirect("desk-scan-part", following) if following else redirect("desk-scan", row.batch_id)


def _next(row: ScanPart) -> int | None:
    """The next document that waits for a clerk, of this batch first."""
    waiting = ScanPart.objects.filter(state=ScanPart.State.CHECK).exclude(pk=row.pk)
    own = waiting.filter(batch=row.batch_id, number__gte=row.number).order_by("number", "pk").first()
    found = own or waiting.order_by("batch", "number", "pk").first()
    return found.pk if found else None


@staff(subjects.ADD)
def side(request: Request, pk: int, number: int) -> HttpResponse:
    """A page as a picture: as it was read when it was, turned and straight."""
    row = get_object_or_404(ScanPage.objects.select_related("part", "batch"), batch=pk, number=number)
    path, place = reading.whole(row.batch), number
    if row.part is not None and (found := reading.read_pdf(row.part)).exists():
        path, place = found, 1 + row.part.sides.filter(number__lt=number).count()
    if not path.exists():
        raise Http404
    document = pypdfium2.PdfDocument(path)
    try:
        page = document[place - 1]
        wide = 300 if request.GET.get("small") else 1000
        picture = page.render(scale=min(4.0, wide / max(page.get_width(), 1))).to_pil().convert("RGB")
    except (pypdfium2.PdfiumError, IndexError):
        raise Http404 from None
    finally:
        document.close()
    out = BytesIO()
    picture.save(out, "JPEG", quality=70)
    return HttpResponse(out.getvalue(), content_type="image/jpeg")


@staff(subjects.ADD)
def read_pdf(request: Request, pk: int) -> FileResponse:
    """The searchable PDF, before it is filed."""
    row = get_object_or_404(ScanPart, pk=pk)
    path = reading.read_pdf(row)
    if not path.exists():
        raise Http404
    audit.record(request.actor, "documents.scan_read", f"documents.scan_part:{row.pk}")
    return FileResponse(path.open("rb"), content_type="application/pdf", filename=f"scan-{row.pk}.pdf")
