"""The back office of rounds: a day's plan explained and compared, given to the crews, changed, watched. Thin."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.assets import api as assets
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.kernel.web import Request, staff
from toguna.services.waste import devices, opening
from toguna.services.waste.models import DayPlan, LeftOut, PresentRound, Round, Truck, WastePlace
from toguna.services.waste.rounds import changing, drawing, driving, evening, planning, reads, vehicles, words
from toguna.services.waste.rounds.forms import ChangeForm, EveningForm, PlanForm, TruckForm


@staff("waste.read")
def rounds(request: Request) -> HttpResponse:
    """The days that have plans, and asking for another: ?day= of the form."""
    trucks = list(Truck.objects.filter(active=True))
    form = PlanForm(
        request.POST or None,
        trucks=trucks,
        dumps=reads.dumps(),
        initial={"day": timezone.localdate(), "client_id": uuid.uuid4()},
    )
    may_plan = access.can(request.actor, planning.PLAN)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            plan = planning.ask(
                values["day"], by=request.actor, without=[int(t) for t in values["without"]], dumps=[int(d) for d in values["dumps"]],
                client_id=values["client_id"],
            )  # fmt: skip
        except planning.Refused as error:
            form.add_error("day", str(error))
        else:
            return redirect("desk-rounds-plan", plan=plan.pk)
    chosen = evening.chosen()
    since = timezone.localdate() - timedelta(days=14)
    plans = DayPlan.objects.filter(day__gte=since)[:60]
    values = {
        "plans": [(p, words.size(p.figures["plan"]) if p.figures.get("plan") else "") for p in plans], "form": form, "may_plan": may_plan, "trucks": trucks, "today": reads.today(), "off": vehicles.off(trucks),
        "chosen": chosen, "evening": EveningForm(instance=chosen),
    }  # fmt: skip
    return render(request, "waste/rounds/plans.html", values, status=422 if request.method == "POST" else 200)


@staff("waste.set_up")
def every_evening(request: Request) -> HttpResponse:
    """When the rounds of tomorrow are planned by themselves."""
    form = EveningForm(request.POST or None, instance=evening.chosen())
    if request.method == "POST" and form.is_valid():
        evening.choose(form.save(commit=False), by=request.actor)
        messages.success(request, _("Done."))
    return redirect("desk-rounds")


@staff("waste.read")
def plan(request: Request, plan: int) -> HttpResponse:
    """One plan: its map, its rounds with the reason of each stop, what was left and why, beside the present rounds."""
    access.require(request.actor, "waste.read")
    row = get_object_or_404(DayPlan, pk=plan)
    found = reads.rounds_of(row)
    left = list(LeftOut.objects.filter(plan=row).select_related("place", "call"))
    without = Truck.objects.filter(pk__in=row.asked.get("without", ()))
    values: dict[str, Any] = {
        "plan": row, "rounds": [(n, r, reads.explained(r), drawing.sample(n - 1)) for n, r in enumerate(found, 1)], "compared": reads.compared(row),
        "picture": reads.picture(found, title=_("Rounds of the day on the map of the town")), "shown": reads.shown(found),
        "left": [((entry.place or entry.call).name if entry.place or entry.call else "", words.why(entry.facts.get("why", ""), entry.facts), words.LEFT.get(entry.why, "")) for entry in left],  # type: ignore[union-attr]
        "first": reads.first(found, left), "without": without, "only": WastePlace.objects.filter(pk__in=row.asked.get("dumps", ())),
        "changes": row.changes.order_by("version"), "may_plan": access.can(request.actor, planning.PLAN),
        "is_today": row.day == timezone.localdate(),
        "gone": planning.out_of_use(row) if row.day >= timezone.localdate() and found and not row.trial else [],
    }  # fmt: skip
    if values["may_plan"] and row.state == DayPlan.State.PUBLISHED and values["is_today"]:
        values["change"] = ChangeForm(
            trucks=[r.truck for r in found if r.state != Round.State.BROKEN], dumps=reads.dumps(),
            initial={"dumps": row.asked.get("only", [])},
        )  # fmt: skip
    return render(request, "waste/rounds/plan.html", values)


@staff("waste.set_up")
def act(request: Request, plan: int) -> HttpResponse:
    """do=publish | change."""
    row = get_object_or_404(DayPlan, pk=plan)
    if request.method != "POST":
        return redirect("desk-rounds-plan", plan=row.pk)
    try:
        if request.POST.get("do") == "publish":
            planning.publish(row.pk, by=request.actor)
            messages.success(request, _("The crews have their rounds."))
        else:
            form = ChangeForm(
                request.POST, trucks=[r.truck for r in row.rounds.select_related("truck")], dumps=reads.dumps()
            )
            if not form.is_valid():
                raise planning.Refused(_("Say what happened."))
            given = form.cleaned_data
            changing.ask_change(
                row.pk,
                words=given["words"],
                broken=[int(t) for t in given["broken"]],
                dumps=[int(d) for d in given["dumps"]],
                by=request.actor,
            )
    except planning.Refused as error:
        messages.error(request, str(error))
    return redirect("desk-rounds-plan", plan=row.pk)


@staff("waste.read")
def board(request: Request) -> HttpResponse:
    """Where each truck is now, what is done, how late it is. The page asks again by itself (again.js); without JavaScript, by its link."""
    access.require(request.actor, "waste.read")
    row = reads.today()
    found = reads.rounds_of(row) if row else []
    spots = reads.positions(found)
    now = timezone.now()
    lines = []
    for number, one in enumerate(found, 1):
        stops = [v for v in one.visits.all() if v.kind == "stop"]
        done, late, then, spot = (
            [v for v in stops if v.state == "done"],
            reads.lateness(one),
            reads.next_visit(one),
            spots.get(one.pk),
        )
        lines.append(
            {
                "number": number, "round": one, "stops": len(stops), "done": len(done), "skipped": sum(v.state == "skipped" for v in stops),
                "late": late, "next": then and reads.name_of(then), "expected": then and reads.expected(then, late, now),
                "spot": spot, "silent": one.state == Round.State.STARTED and (spot is None or now - spot.at > reads.FRESH),
            }
        )  # fmt: skip
    skipped = [
        (v, one.truck, driving.REASONS.get(v.reason, ""))
        for one in found
        for v in one.visits.all()
        if v.state == "skipped" and v.kind == "stop"
    ]
    photos = reads.photos([v for v, _truck, _reason in skipped])
    values = {
        "plan": row, "lines": lines,
        "skipped": [(reads.name_of(v), truck, reason, v.words, v.at, photos.get(v.pk, ())) for v, truck, reason in skipped],
        "picture": reads.picture(found, title=_("Where the trucks are"), spots=spots), "now": now,
        # Often while trucks are heard, and not when none moves.
        "again": 10 if any(now - spot.at < timedelta(minutes=1) for spot in spots.values()) else 30,
        "ahead": reads.ahead(row, found) if row else [], "may": access.can(request.actor, planning.PLAN),
    }  # fmt: skip
    return render(request, "waste/rounds/board.html", values)


@staff("waste.read")
def trucks(request: Request) -> HttpResponse:
    """The trucks, and their present rounds."""
    rows = Truck.objects.select_related("depot").prefetch_related("present").order_by("-active", "plate")
    known = assets.named(t.asset for t in rows if t.asset is not None)
    values = {
        "trucks": [(t, sum(len(p.places) for p in t.present.all()), known.get(t.asset or 0)) for t in rows],
        "may": access.can(request.actor, planning.PLAN),
    }
    return render(request, "waste/rounds/trucks.html", values)


@staff("waste.set_up")
def truck(request: Request, truck: int | None = None) -> HttpResponse:
    """A truck that is added or changed."""
    access.require(request.actor, planning.PLAN)
    row = get_object_or_404(Truck, pk=truck) if truck else None
    form = TruckForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            _keep(form, by=request.actor)
        except devices.Refused as error:
            form.add_error("device", str(error))
        else:
            messages.success(request, _("Done."))
            return redirect("desk-trucks")
    return render(
        request,
        "waste/rounds/truck.html",
        {"form": form, "truck": row},
        status=422 if request.method == "POST" else 200,
    )


@transaction.atomic
def _keep(form: TruckForm, *, by: Actor) -> None:
    made = form.save(commit=False)
    assert form.depot is not None  # a form without one is not valid
    if form.depot.pk is None:
        form.depot.save()
    made.depot, made.driver = form.depot, form.cleaned_data["driver"]
    made.asset = form.cleaned_data["equipment"]
    devices.track(made, form.cleaned_data["device"], chosen="device" in form.changed_data, by=by)
    made.save()
    made.quarters.set(form.cleaned_data["quarters"])
    audit.record(by, "waste.truck", f"waste.truck:{made.pk}", plate=made.plate)


@staff("waste.set_up")
def present(request: Request, truck: int) -> HttpResponse:
    """The round that a truck drives without a plan, as the crew says it: its places in their order, and its days. ?zone: those of a district; ?round: which of
    its rounds, "new" for one of other days; none: the first."""
    access.require(request.actor, planning.PLAN)
    row = get_object_or_404(Truck, pk=truck)
    days = [
        (n, str(name))
        for n, name in zip(
            range(1, 8),
            (_("Monday"), _("Tuesday"), _("Wednesday"), _("Thursday"), _("Friday"), _("Saturday"), _("Sunday")),
            strict=True,
        )
    ]
    rounds, which = list(row.present.order_by("pk")), request.GET.get("round", "")
    kept = next((one for one in rounds if which in ("", str(one.pk))), None)
    others = [one for one in rounds if one != kept]
    quarter = request.GET.get("zone", "")
    near = (
        territory.zone_tree_ids(int(quarter)) if quarter.isascii() and quarter.isdigit() and len(quarter) < 18 else ()
    )
    order = {pk: n for n, pk in enumerate(kept.places if kept else [], 1)}
    places = reads.on_rounds(order, near, [z for q in row.quarters.all() for z in territory.zone_tree_ids(q.pk)])
    numbers: dict[int, Any] = {**order}
    values: dict[str, Any] = {
        "truck": row, "days": days, "chosen": kept.days if kept else [], "zones": [(z.id, text.pick(z.names)) for z in territory.districts()],
        "zone": quarter, "which": which, "kept": kept, "others": [(one.pk, opening.named(one.days) or _("every day"), len(one.places)) for one in others],
    }  # fmt: skip
    if request.method == "POST":
        chosen = sorted({int(d) for d in request.POST.getlist("days") if d in "1234567" and len(d) == 1})
        numbers = {p.pk: typed for p in places if (typed := request.POST.get(f"n{p.pk}", "").strip())}
        wanted = reads.in_order(numbers)
        if wanted is None:
            values |= {"error": _("Number the places of the round: 1, 2, 3..."), "chosen": chosen}
        elif wanted and (not chosen or any(set(chosen) & set(one.days) for one in others)):
            values |= {"error": _("Choose its days: of the truck’s rounds, one a day."), "chosen": chosen}
        else:
            with transaction.atomic():
                if kept is not None:
                    kept.delete()
                if wanted:
                    PresentRound.objects.create(truck=row, days=chosen, places=wanted)
                audit.record(request.actor, "waste.present_round", f"waste.truck:{row.pk}", places=len(wanted))
            messages.success(request, _("Done."))
            return redirect("desk-trucks")
    values["places"] = [(p, numbers.get(p.pk, "")) for p in places]
    return render(request, "waste/rounds/present.html", values, status=422 if "error" in values else 200)
