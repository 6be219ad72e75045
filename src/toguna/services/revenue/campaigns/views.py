"""Campaigns and the trial of a tariff. Thin: the rules are in the actions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from toguna.engines.indicators import api as indicators
from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, codes, money, text
from toguna.kernel.web import Request, staff
from toguna.services.revenue.campaigns import actions, notices, one, simulating, telling
from toguna.services.revenue.campaigns.forms import CampaignForm, NowForm, TrialForm, place
from toguna.services.revenue.models import Base, Campaign, NoticeFile, Taxed

PAGE = 100
DAYS = 30  # to pay what is billed now, where the campaign's day is nearer


def _times(tariff: ledger.Tariff, given: Any) -> dict[str, str]:
    """{measure: number} of the period, where the tariff has one. Raises Refused."""
    name = tariff.rule.get("times")
    if not name:
        return {}
    if given is None:
        raise actions.Refused(_("This tariff is by “%(name)s”: say how many.") % {"name": name})
    return {str(name): format(given.normalize(), "f")}


@staff(actions.CAMPAIGN)
def campaigns(request: Request) -> HttpResponse:
    """All of them, and a new one."""
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        base = get_object_or_404(Base, pk=said["base"])
        try:
            tariff = ledger.tariff(base.tariff, said["day"])
            times = _times(tariff, said["times"]) if tariff else {}
            row = actions.create(
                base,
                said["label"],
                day=said["day"],
                due=said["due"],
                times=times,
                notices=said["notices"],
                by=request.actor,
                **place(said["place"]),
            )
        except actions.Refused as wrong:
            form.add_error(None, str(wrong))
        else:
            return redirect("desk-campaign", row.slug)
    rows = Campaign.objects.select_related("base", "zone")[:PAGE]
    return render(request, "revenue/campaigns.html", {"rows": rows, "form": form}, status=422 if form.errors else 200)


@staff(actions.CAMPAIGN)
def campaign(request: Request, slug: str) -> HttpResponse:
    row = get_object_or_404(Campaign.objects.select_related("base", "zone"), slug=slug)
    whole = access.can(request.actor, actions.CAMPAIGN)
    files = notices.files(request.actor, row)
    done = notices.progress(row) if row.state == Campaign.State.ISSUED else {"files": 0, "made": 0, "notices": 0}
    values = {
        "row": row, "whole": whole, "simulated": _shown(row.simulated) if row.simulated.get("zones") else None,
        "left_out": actions.why_left_out(row) if row.unpriced else [], "printing": done,
        "files": Paginator(files, PAGE).get_page(request.GET.get("page")),
        "refresh": row.state == Campaign.State.RUNNING or done["made"] < done["files"] or (row.telling and not row.told),
        "cost": telling.cost(row) if "sms" in request.GET and row.state == Campaign.State.ISSUED and row.telling is None and whole else None,
    }  # fmt: skip
    return render(request, "revenue/campaign.html", values)


@require_POST
@staff(actions.CAMPAIGN)
def act(request: Request, slug: str) -> HttpResponse:
    """do = try, start, pause, print, tell."""
    row = get_object_or_404(Campaign, slug=slug)
    what = request.POST.get("do", "")
    try:
        if what == "try":
            actions.attempt(row.pk, by=request.actor)
        elif what == "start":
            actions.start(row.pk, by=request.actor)
        elif what == "pause":
            actions.pause(row.pk, by=request.actor)
        elif what == "print":
            access.require(request.actor, actions.CAMPAIGN)
            notices.plan(row.pk)
        elif what == "tell":
            telling.tell(row.pk, by=request.actor)
    except actions.Refused as wrong:
        messages.error(request, str(wrong))
    return redirect("desk-campaign", slug)


@staff(actions.CAMPAIGN)
def left_out(request: Request, slug: str) -> HttpResponse:
    """What could not be billed, and why."""
    row = get_object_or_404(Campaign.objects.select_related("base"), slug=slug)
    zones = access.zones(request.actor, actions.CAMPAIGN)
    rows = row.left_out.select_related("taxed__zone").order_by("why", "pk")
    if zones is not None:
        rows = rows.filter(taxed__zone__in=zones)
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    return render(request, "revenue/campaign_left_out.html", {"row": row, "page": page})


@staff(actions.CAMPAIGN)
def paper(request: Request, slug: str, pk: int) -> HttpResponseBase:
    """A file of notices; one that was lost is made again."""
    file = get_object_or_404(NoticeFile, campaign__slug=slug, pk=pk)
    access.require(request.actor, actions.CAMPAIGN, zone=file.zone_id)
    if request.method == "POST" or (file.done and not notices.path(file).exists()):
        notices.again(file.pk, by=request.actor)
        messages.success(request, _("The file is being made again."))
        return redirect("desk-campaign", slug)
    if not file.done:
        messages.warning(request, _("The file is being made."))
        return redirect("desk-campaign", slug)
    return FileResponse(notices.path(file).open("rb"), content_type="application/pdf", filename=f"{slug}-{file.pk}.pdf")


@staff(one.BILL)
def now(request: Request, code: str) -> HttpResponse:
    """One thing that is new in the register is billed, without waiting for the next campaign."""
    thing = get_object_or_404(Taxed.objects.select_related("base"), code=codes.read(code))
    access.require(request.actor, one.BILL, zone=thing.zone_id, anywhere=thing.zone_id is None)
    last, today = one.latest(thing), timezone.localdate()
    known = {
        "label": last.label if last else str(today.year), "day": last.day if last else today,
        "due": max(last.due if last else today, today + timedelta(days=DAYS)),
        "times": next(iter(last.times.values()), None) if last else None,
    }  # fmt: skip
    form = NowForm(request.POST or None, initial=known)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            tariff = ledger.tariff(thing.base.tariff, said["day"])
            times = _times(tariff, said["times"]) if tariff else {}
            bills, new = one.bill(
                thing.pk, said["label"], day=said["day"], due=said["due"], times=times, by=request.actor
            )
        except (actions.Refused, ledger.Refused) as wrong:
            form.add_error(None, str(wrong))
        else:
            words = _("Billed: %(bills)s.") if new else _("This period was billed already: %(bills)s.")
            shown = [f"{notices.spaced(row.reference)}, {money.shown(row.amount, row.currency)}" for row in bills]
            (messages.success if new else messages.warning)(request, words % {"bills": " · ".join(shown)})
            return redirect("desk-taxed", thing.code)
    title = " ".join(filter(None, (text.pick(thing.base.titles), thing.words, thing.plate)))
    values = {
        "form": form,
        "title": _("Bill now"),
        "button": _("Bill it"),
        "lead": title,
        "back": reverse("desk-taxed", args=[thing.code]),
    }
    return render(request, "revenue/form.html", values, status=422 if form.errors else 200)


def _classes() -> list[str]:
    return [
        _("more than half less"), _("25 to 50 %% less") % (), _("10 to 25 %% less") % (), _("up to 10 %% less") % (), _("the same"),
        _("up to 10 %% more") % (), _("10 to 25 %% more") % (), _("25 to 50 %% more") % (), _("50 to 100 %% more") % (), _("more than double, or not taxed before"),
    ]  # fmt: skip


def _shown(found: dict[str, Any]) -> dict[str, Any]:
    """What a trial found, with names and bars."""
    most = max((zone[3] for zone in found["zones"]), default=0)
    by_zone: dict[int | None, list[int]] = {}
    for zone, things, now, then in found["zones"]:
        sums = by_zone.setdefault(notices.district(zone), [0, 0, 0])
        for n, value in enumerate((things, now, then)):
            sums[n] += value
    most = max((sums[2] for sums in by_zone.values()), default=0)
    zones = [
        {
            "name": str(territory.zone(zone) or _("no district")), "things": sums[0], "now": sums[1], "then": sums[2],
            "change": sums[2] - sums[1], "bar": indicators.charts.share(sums[2], most),
        }
        for zone, sums in sorted(by_zone.items(), key=lambda each: -each[1][2])
    ]  # fmt: skip
    top = max(found["classes"], default=0)
    classes = [
        {"title": title, "count": count, "bar": indicators.charts.share(count, top)}
        for title, count in zip(_classes(), found["classes"], strict=True)
    ]
    return {
        **found, "difference": found["then"] - found["now"], "zones": zones, "classes": classes, "unpriced": found["things"] - found["priced"],
        "same": found["priced"] - found["more"] - found["less"], "moved": found["then"] != found["now"] or found["more"] + found["less"] > 0,
    }  # fmt: skip


@staff(actions.CAMPAIGN)
def simulation(request: Request) -> HttpResponse:
    """A tariff against another, over the real register. Nothing is written."""
    access.require(request.actor, actions.CAMPAIGN)
    form = TrialForm(request.GET if "base" in request.GET else None)
    found, titles = None, ("", "")
    if form.is_bound and form.is_valid():
        said = form.cleaned_data
        base = get_object_or_404(Base, pk=said["base"])
        try:
            now = ledger.tariff(base.tariff, said["day"])
            other = ledger.tariff(base.tariff, said["other"]) if said["other"] else now
            if now is None or other is None:
                raise actions.Refused(
                    _("No tariff “%(slug)s” holds on that day: write it first.") % {"slug": base.tariff}
                )
            rule = simulating.scaled(other.rule, said["percent"]) if said["percent"] is not None else other.rule
            times = _times(now, said["times"])
            times |= _times(other, said["times"])
            found = _shown(
                simulating.simulate(
                    base, now.rule, rule, day=said["day"], times=times, **place(said["place"])
                ).as_json()
            )
            titles = (now.law, other.law)
        except actions.Refused as wrong:
            form.add_error(None, str(wrong))
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "revenue/simulation.html", {"form": form, "found": found, "laws": titles}, status=status)
