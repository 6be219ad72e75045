"""The desk's pages of documents, and a document read by whom it concerns."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, cast

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Q
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.documents.models.store import Disposal, File, FileKind
from toguna.engines.documents.store import actions, checks, disposal, subjects
from toguna.engines.documents.store.checks import Refused
from toguna.engines.documents.store.forms import BringForm, HoldForm, KindForm, VersionForm
from toguna.kernel import access, audit
from toguna.kernel.web import Request, resident, staff

SHOWN = 50
_SOON = timedelta(days=60)


@staff(subjects.READ)
def files(request: Request) -> HttpResponse:
    """Files that fit ?q= (title, name, words read in it) and ?kind=; a posted file is kept."""
    may_add = access.can(request.actor, subjects.ADD)
    form = BringForm(request.POST, request.FILES) if request.method == "POST" else BringForm()
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            given, brought = form.cleaned_data, form.cleaned_data["file"]
            try:
                kept = actions.keep(
                    brought,
                    brought.name,
                    kind=given["kind"],
                    title=given["title"],
                    by=request.actor,
                    client_id=given["client_id"],
                )
                messages.success(request, _("The file is kept."))
                return redirect("desk-document", kept.public_id)
            except Refused as wrong:
                form.add_error("file", str(wrong))
    words = " ".join(request.GET.get("q", "").split())[:100]
    kind = request.GET.get("kind", "")[:40]
    found = File.objects.select_related("kind").filter(subject_name="").order_by("-at", "-pk")
    # What belongs to something is found on the page of that, where it is known who may read it.
    if words:
        found = found.filter(Q(title__icontains=words) | Q(text__icontains=words))
    if kind:
        found = found.filter(kind__name=kind)
    page = Paginator(found, SHOWN).get_page(request.GET.get("page"))
    values: dict[str, Any] = {"page": page, "words": words, "kind": kind, "kinds": FileKind.objects.all(), "form": form}
    values |= {"may_add": may_add, "may_dispose": access.can(request.actor, subjects.KEEP)}
    return render(request, "documents/store_files.html", values, status=status)


@staff(subjects.READ)
def file(request: Request, public_id: uuid.UUID) -> HttpResponse:
    row = _mine(request, public_id)
    status, wanted = 200, request.POST.get("do", "")
    version = VersionForm(request.POST, request.FILES) if wanted == "version" else VersionForm()
    holding = HoldForm(request.POST) if wanted == "hold" else HoldForm()
    if request.method == "POST":
        status = 422
        form = version if wanted == "version" else holding
        try:
            if wanted == "version" and version.is_valid():
                brought = version.cleaned_data["file"]
                actions.add_version(row, brought, brought.name, by=request.actor)
                return redirect("desk-document", public_id)
            if wanted == "hold" and holding.is_valid():
                actions.hold(row, holding.cleaned_data["reason"], by=request.actor)
                return redirect("desk-document", public_id)
            if wanted == "release":
                actions.release(row, by=request.actor)
                return redirect("desk-document", public_id)
        except Refused as wrong:
            form.add_error(None, str(wrong))
    values = {"file": row, "versions": row.versions.order_by("-number"), "version": version, "holding": holding}
    values |= {
        "may_add": subjects.may_add(request.actor, row.subject),
        "may_dispose": access.can(request.actor, subjects.KEEP),
    }
    return render(request, "documents/store_file.html", values, status=status)


@staff(subjects.READ)
def desk_content(request: Request, public_id: uuid.UUID, number: int) -> HttpResponseBase:
    return _sent(request, _mine(request, public_id), number)


@resident
def content(request: HttpRequest, public_id: uuid.UUID) -> HttpResponseBase:
    """The last version, for whoever its subject lets read it, or who brought it."""
    asked = cast(Request, request)
    return _sent(asked, _mine(asked, public_id), 0)


def _mine(request: Request, public_id: uuid.UUID) -> File:
    row = get_object_or_404(File.objects.select_related("kind"), public_id=public_id)
    if not subjects.may_read(request.actor, row):
        raise access.Denied(request.actor, subjects.READ)
    return row


def _sent(request: Request, row: File, number: int) -> HttpResponseBase:
    try:
        version, path = actions.open_file(row, request.actor, number)
    except Refused as wrong:
        return render(request, "documents/store_refused.html", {"said": str(wrong)}, status=409)
    name = version.name.rpartition(".")[0] or version.name
    # Always to be kept, never to be shown inside our pages, and with the ending of what it is.
    sent = FileResponse(
        path.open("rb"),
        as_attachment=True,
        filename=f"{name}.{checks.ENDINGS[version.type]}",
        content_type=version.type,
    )
    sent["Content-Security-Policy"] = "default-src 'none'; sandbox"
    sent["Cache-Control"] = "private, no-store"
    sent["X-Content-Type-Options"] = "nosniff"
    return sent


@staff(subjects.KEEP)
def plan(request: Request, name: str = "") -> HttpResponse:
    """The classification plan, and one line of it to add or to change."""
    row = get_object_or_404(FileKind, name=name) if name else None
    first: dict[str, Any] = {}
    if row:
        first = {"name": row.name, "keep_years": row.keep_years, "then": row.then}
        first |= {f"title_{code}": words for code, words in row.title.items()}
    form = KindForm(request.POST or None, initial=first)
    if row:
        form.fields["name"].disabled = True
    if form.is_valid() and not row and FileKind.objects.filter(name=form.cleaned_data["name"]).exists():
        form.add_error("name", _("This short name is already in the plan."))
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        values = {"title": form.title(), "keep_years": given["keep_years"], "then": given["then"]}
        with transaction.atomic():
            FileKind.objects.update_or_create(name=given["name"], defaults=values)
            audit.record(
                request.actor,
                subjects.KEEP,
                f"documents.kind:{given['name']}",
                keep_years=given["keep_years"],
                then=given["then"],
            )
        return redirect("desk-documents-plan")
    values = {"form": form, "row": row, "kinds": FileKind.objects.all()}
    return render(request, "documents/store_plan.html", values, status=422 if form.is_bound else 200)


@staff(subjects.KEEP)
def ends(request: Request) -> HttpResponse:
    """What ends within two months, what is held, and the certificates of what was destroyed."""
    due = disposal.due(timezone.localdate() + _SOON).filter(held=None)[:SHOWN]
    held = File.objects.filter(held__isnull=False).order_by("held")[:SHOWN]
    values = {
        # A title says much: that of a sealed case is for those who may read the case.
        "due": [one for one in due if subjects.may_read(request.actor, one)],
        "held": [one for one in held if subjects.may_read(request.actor, one)],
        "destroyed": Disposal.objects.all()[:SHOWN],
    }
    return render(request, "documents/store_ends.html", values)
