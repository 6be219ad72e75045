"""Blanks of a form to print, and what came back on one."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.forms import reads, uses
from toguna.engines.forms.actions import Refused
from toguna.engines.forms.models import Form
from toguna.engines.forms.paper import blanks
from toguna.engines.forms.uses import ASSIST, DESIGN
from toguna.kernel.web import Request, public, staff


@public
def blank(request: HttpRequest, slug: str) -> HttpResponse:
    """One blank of a form that is offered, in the language of the page or ?language=: the same for all, with a new number."""
    form = get_object_or_404(reads.forms(), slug=slug)
    if form.current is None:
        return redirect("home")
    language = request.GET.get("language", "")
    if language not in dict(settings.LANGUAGES):
        language = (get_language() or "fr").split("-")[0]
    made = blanks.drawn(form.current, language)
    headers = {"Content-Disposition": f'inline; filename="{slug}-{language}.pdf"', "Cache-Control": "no-store"}
    return HttpResponse(made, content_type="application/pdf", headers=headers)


@staff(DESIGN)
def printed(request: Request, slug: str) -> HttpResponse:
    row = get_object_or_404(Form.objects.select_related("current").defer("current__xform"), slug=slug)
    offered = reads.forms().filter(pk=row.pk).exists()
    return render(request, "forms/paper_blanks.html", {"row": row, "offered": offered, "languages": settings.LANGUAGES})


@staff(ASSIST)
def read(request: Request) -> HttpResponse:
    """A sheet came back: what its QR says is read or typed, and its form opens at the counter, to be typed beside it."""
    if request.method == "POST":
        typed = request.POST.get("says", "")[:200]
        sheet = blanks.found(typed)
        if sheet is None:
            messages.error(
                request,
                _("This is no sheet of this town. Read its QR again, or type it: TOGUNA-FORM, form, version, number."),
            )
            return _page(request, typed, 422)
        version, number = sheet
        use = uses.of(version.form.service)
        try:
            if use is None and version.form.service != uses.KEPT:
                raise Refused(_("This form is used by nothing any more."))
            filling = blanks.begin(version, number, by=request.actor, language=(get_language() or "fr").split("-")[0])
        except Refused as error:
            messages.error(request, str(error))
            return _page(request, typed, 422)
        return redirect(use.at_counter(filling) if use else reverse("form-step", args=[filling.code]))
    return _page(request, "", 200)


def _page(request: Request, typed: str, status: int) -> HttpResponse:
    rows = [
        (
            row,
            files,
            use.at_counter(row)
            if (use := uses.of(row.version.form.service))
            else reverse("form-step", args=[row.code]),
        )
        for row, files in blanks.waiting()
    ]
    return render(request, "forms/paper_read.html", {"typed": typed, "sheets": rows}, status=status)
