"""What things cost: for everyone, with a try; and for who writes it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import Tariff
from toguna.engines.ledger.tariffs import actions, pricing, reads
from toguna.engines.ledger.tariffs.forms import TariffForm, TryForm
from toguna.engines.territory import api as territory
from toguna.kernel import text, town
from toguna.kernel.web import Request, public, staff


@public
def prices(request: HttpRequest) -> HttpResponse:
    """The tariffs that hold, by name; those with the words that were typed."""
    typed = request.GET.get("q", "")[:80]
    rows = reads.find(typed, most=50) if typed.strip() else list(reads.current().filter(public=True))
    rows.sort(key=lambda one: text.fold(text.pick(one.titles)))
    return render(request, "ledger/prices.html", {"rows": [(one, _short(one)) for one in rows], "typed": typed})


def _short(row: Tariff) -> str:
    """What it costs in a line, where no measure is needed or for one of it."""
    try:
        return (
            pricing.quote(row.rule, dict.fromkeys(pricing.wanted(row.rule), 1), town.current().currency, words="")
            .lines[0]
            .words.removeprefix(": ")
        )
    except pricing.Missing:
        return ""


@public
def price(request: HttpRequest, slug: str) -> HttpResponse:
    """One tariff, its act, and what it would cost whoever asks: /prices/SLUG?m_m2=12."""
    row = reads.tariff(slug)
    if row is None or not row.public:
        return render(request, "ledger/prices.html", {"rows": [], "typed": slug, "gone": True}, status=404)
    named = {zone.id: text.pick(zone.names) for zone in territory.zones()}
    zones = sorted(
        ((int(one), named[int(one)]) for one in row.rule.get("zones") or {} if int(one) in named),
        key=lambda one: one[1],
    )
    asked = any(name in request.GET for name in ("try", *(f"m_{one}" for one in pricing.wanted(row.rule))))
    form = TryForm(request.GET if asked else None, row=row, zones=zones)
    quote, status = None, 200
    if asked and form.is_valid():
        said = form.cleaned_data
        measures = {name: said[f"m_{name}"] for name in pricing.wanted(row.rule)}
        try:
            quote = reads.quote(
                row, measures, zones=[int(said["zone"])] if said.get("zone") else [],
                exemptions=[said["exemption"]] if said.get("exemption") else [],
            )  # fmt: skip
        except pricing.Missing as wrong:
            form.add_error(f"m_{wrong.name}", str(wrong))
    elif not asked and not form.fields:
        quote = reads.quote(row, {})
    if form.errors:
        status = 422
    history = list(Tariff.objects.filter(slug=slug).order_by("-since")[:10])
    values = {"row": row, "form": form, "quote": quote, "history": history}
    return render(request, "ledger/price.html", values, status=status)


@staff(actions.WRITE)
def tariffs(request: Request) -> HttpResponse:
    rows = list(Tariff.objects.select_related("income").order_by("-since"))
    rows.sort(key=lambda one: text.fold(text.pick(one.titles)))
    return render(request, "ledger/desk_tariffs.html", {"rows": rows})


@staff(actions.WRITE)
def edit(request: Request, pk: int | None = None) -> HttpResponse:
    """A new tariff, or another version of one."""
    row = get_object_or_404(Tariff.objects.select_related("income"), pk=pk) if pk else None
    form = TariffForm(request.POST or None, row=row)
    if request.method == "POST" and form.is_valid():
        try:
            actions.write(form.slug, form.cleaned_data["since"], form.told(), by=request.actor)
        except Refused as wrong:
            form.add_error(None, str(wrong))
        else:
            messages.success(request, _("The tariff is kept."))
            return redirect("desk-tariffs")
    return render(request, "ledger/desk_tariff.html", {"row": row, "form": form}, status=422 if form.errors else 200)
