"""The register in the back office. Thin: see `actions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import Prefetch
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, codes, text
from toguna.kernel.models import AuditEntry
from toguna.kernel.web import Request, staff
from toguna.services.revenue.models import Base, Part, Taxed, Taxpayer, Visit
from toguna.services.revenue.register import account, actions, doubles, reads
from toguna.services.revenue.register.forms import EndForm, TaxedForm, TaxpayerForm

READ, WRITE = "revenue.read", "revenue.write"
PAGE = 50
STEPS: dict[str, Any] = {
    "revenue.add_taxpayer": gettext_lazy("Written in the register"),
    "revenue.edit_taxpayer": gettext_lazy("Changed"),
    "revenue.merge": gettext_lazy("Joined with another entry"),
    "revenue.declare": gettext_lazy("Declared"),
    "revenue.edit_taxed": gettext_lazy("Changed"),
    "revenue.share": gettext_lazy("Who pays was changed"),
    "revenue.see": gettext_lazy("Seen on the spot"),
    "revenue.bill": gettext_lazy("Billed"),
    "revenue.end": gettext_lazy("No longer taxed"),
    "revenue.reopen": gettext_lazy("Taxed again"),
}


def _number(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 18 else None


@staff(READ)
def register(request: Request) -> HttpResponse:
    """?q= finds somebody; ?base=&zone=&state= narrow the list of what is taxed."""
    words = " ".join(request.GET.get("q", "").split())[:80]
    values: dict[str, Any] = {
        "words": words, "bases": [(one.slug, text.pick(one.titles)) for one in reads.bases()],
        "districts": [(zone.id, zone.name) for zone in territory.districts()], "states": Taxed.State.choices,
        "may_write": access.can(request.actor, WRITE, anywhere=True),
    }  # fmt: skip
    if words:
        found = reads.find(words, actor=request.actor)
        if len(found) == 1 and found[0].score == 100:
            return redirect("desk-taxpayer", found[0].taxpayer.number)
        values["found"] = found
        return render(request, "revenue/register.html", values)
    rows = reads.taxed(request.actor).order_by("-pk")
    if base := request.GET.get("base", ""):
        rows = rows.filter(base__slug=base)
    if (zone := _number(request.GET.get("zone", ""))) is not None:
        rows = rows.filter(zone__in=territory.zone_tree_ids(zone))
    state = request.GET.get("state", "")
    rows = rows.filter(state=state) if state in Taxed.State.values else rows.exclude(state=Taxed.State.GONE)
    if (after := _number(request.GET.get("after", ""))) is not None:
        rows = rows.filter(pk__lt=after)
    parts = Prefetch("parts", Part.objects.select_related("taxpayer"))
    page = list(rows.prefetch_related(parts)[: PAGE + 1])
    values |= {"rows": [_row(one) for one in page[:PAGE]], "after": page[PAGE - 1].pk if len(page) > PAGE else ""}
    return render(request, "revenue/register.html", values)


def _row(thing: Taxed) -> dict[str, Any]:
    zone = territory.zone(thing.zone_id)
    return {
        "thing": thing, "who": [part.taxpayer for part in thing.parts.all()], "zone": zone.name if zone else "",
        "tag": _tag(thing),
    }  # fmt: skip


def _tag(thing: Taxed) -> tuple[str, str]:
    """(kind of tag, pictogram)."""
    return {"declared": ("waiting", "clock"), "seen": ("done", "check"), "gone": ("refused", "close")}[thing.state]


def _taxpayer(request: Request, number: str, permission: str = READ) -> Taxpayer:
    """404 for one out of reach: numbers cannot be tried."""
    row = get_object_or_404(Taxpayer.objects.select_related("merged_into"), number=codes.read(number))
    try:
        actions.require_taxpayer(request.actor, row, permission)
    except access.Denied as denied:
        raise Http404(_("There is no such taxpayer.")) from denied
    return row


def _thing(request: Request, code: str, permission: str = READ) -> Taxed:
    row = get_object_or_404(Taxed.objects.select_related("base"), code=codes.read(code))
    if not access.can(request.actor, permission, zone=row.zone_id, anywhere=row.zone_id is None):
        raise Http404(_("Nothing that is taxed has this code."))
    return row


def _history(subjects: list[str]) -> list[dict[str, Any]]:
    """What was done, the newest first."""
    rows = list(AuditEntry.objects.filter(subject__in=subjects, action__in=STEPS).order_by("-at", "-pk")[:40])
    names = dict(
        people.Account.objects.filter(pk__in=[one.account for one in rows if one.account]).values_list("pk", "name")
    )
    return [
        {"at": one.at, "title": STEPS[one.action], "who": names.get(one.account or 0, ""), "why": str(one.data.get("reason") or one.data.get("period", ""))}
        for one in rows
    ]  # fmt: skip


def _visits(**which: Any) -> list[Visit]:
    return list(Visit.objects.filter(**which).order_by("-at", "-pk")[:20])


@staff(READ)
def taxpayer(request: Request, number: str) -> HttpResponse:
    """Who it is, what is taxed and why, what is owed and was paid. Reading it is recorded."""
    row = _taxpayer(request, number)
    if row.merged_into is not None:
        return redirect("desk-taxpayer", row.merged_into.number)
    audit.record(request.actor, "revenue.read_taxpayer", f"revenue.taxpayer:{row.pk}")
    things = list(reads.taxed_of(row, gone=True))
    zone = territory.zone(row.zone_id)
    values = {
        "taxpayer": row, "zone": zone.name if zone else "", "phone": people.shown("phone", row.phone) if row.phone else "",
        "explained": [(one, _tag(one.thing)) for one in account.explained(things)], "balance": reads.balance(row), "bills": account.bills(row),
        "payments": account.payments(row), "visits": _visits(taxpayer=row),
        "history": _history([f"revenue.taxpayer:{row.pk}"]), "may_write": access.can(request.actor, WRITE, anywhere=True),
        "may_bill": access.can(request.actor, "revenue.bill", anywhere=True), "bases": reads.bases(), "objections": row.objections.all()[:10], "plans": row.plans.all()[:10],
    }  # fmt: skip
    return render(request, "revenue/taxpayer.html", values)


def _form(request: Request, form: Any, title: str, button: str, back: str, lead: str = "") -> HttpResponse:
    values = {"form": form, "title": title, "button": button, "back": back, "lead": lead}
    return render(request, "revenue/form.html", values, status=422 if form.errors else 200)


def _tried(form: Any, act: Callable[[], Any]) -> Any:
    """What the act gives, or None when it was refused: the form then says why."""
    try:
        return act()
    except actions.Refused as error:
        form.add_error(None, str(error))
        return None


@staff(WRITE)
def new(request: Request) -> HttpResponse:
    """Somebody new; those who may be the same are shown once before it is written. ?for=NOTE: the front desk knows who."""
    given = request.POST if request.method == "POST" else request.GET
    served = people.serving(given.get(people.NOTE), by=request.actor)
    known = {"name": served.name, "phone": people.typed_contact(served)} if served else {}
    form = TaxpayerForm(request.POST or None, initial={name: value for name, value in known.items() if value})
    alike: list[reads.Found] = []
    if request.method == "POST" and form.is_valid():
        said = form.who()
        if "sure" not in request.POST:
            alike = reads.find(said.phone, actor=request.actor, most=5) if said.phone else []
            seen = {one.taxpayer.pk for one in alike}
            named = reads.find(said.name, actor=request.actor, most=8)
            alike += [one for one in named if one.why == "name" and one.score >= 70 and one.taxpayer.pk not in seen][:5]
        if not alike:
            row = _tried(
                form, lambda: actions.add_taxpayer(said, by=request.actor, client_id=form.cleaned_data["client_id"])
            )
            if row:
                messages.success(request, _("Written in the register, number %(number)s.") % {"number": row.number})
                return redirect("desk-taxpayer", row.number)
    values = {"form": form, "alike": alike, "note": given.get(people.NOTE, "")}
    return render(request, "revenue/taxpayer_new.html", values, status=422 if form.errors else 200)


@staff(WRITE)
def edit(request: Request, number: str) -> HttpResponse:
    row = _taxpayer(request, number, WRITE)
    form = TaxpayerForm(request.POST or None, taxpayer=row)
    if (
        request.method == "POST"
        and form.is_valid()
        and _tried(form, lambda: actions.edit_taxpayer(row.pk, form.who(), by=request.actor))
    ):
        messages.success(request, _("Done."))
        return redirect("desk-taxpayer", row.number)
    return _form(request, form, row.name, _("Save"), reverse("desk-taxpayer", args=[row.number]))


@staff(WRITE)
def declare(request: Request, number: str, base: str) -> HttpResponse:
    """One more thing that is taxed."""
    row = _taxpayer(request, number, WRITE)
    kind = get_object_or_404(Base, slug=base, active=True)
    form = TaxedForm(request.POST or None, base=kind)
    if request.method == "POST" and form.is_valid():
        made = _tried(
            form,
            lambda: actions.declare(
                kind, [row.pk], form.what(), by=request.actor, client_id=form.cleaned_data["client_id"]
            ),
        )
        if made:
            messages.success(request, _("Declared, code %(code)s.") % {"code": made.code})
            return redirect("desk-taxed", made.code)
    title = text.pick(kind.titles)
    return _form(request, form, title, _("Declare"), reverse("desk-taxpayer", args=[row.number]), lead=row.name)


@staff(READ)
def thing(request: Request, code: str) -> HttpResponse:
    """What is taxed: where it stands, what was measured, what it costs and why, who pays which part."""
    row = _thing(request, code)
    parts = list(row.parts.select_related("taxpayer").order_by("pk"))
    zone = territory.zone(row.zone_id)
    values = {
        "thing": row, "tag": _tag(row), "zone": zone.name if zone else "", "explained": account.explained([row])[0],
        "parts": parts, "weights": sum(part.weight for part in parts), "visits": _visits(taxed=row),
        "history": _history([f"revenue.taxed:{row.pk}"]), "by_the_day": account.by_the_day(row.base),
        "may_write": access.can(request.actor, WRITE, zone=row.zone_id, anywhere=row.zone_id is None), "end": EndForm(),
        "may_bill": access.can(request.actor, "revenue.bill", zone=row.zone_id, anywhere=row.zone_id is None),
    }  # fmt: skip
    return render(request, "revenue/taxed.html", values)


@staff(WRITE)
def edit_thing(request: Request, code: str) -> HttpResponse:
    row = _thing(request, code, WRITE)
    form = TaxedForm(request.POST or None, base=row.base, thing=row)
    if (
        request.method == "POST"
        and form.is_valid()
        and _tried(form, lambda: actions.edit_taxed(row.pk, form.what(), by=request.actor))
    ):
        messages.success(request, _("Done."))
        return redirect("desk-taxed", row.code)
    return _form(
        request, form, text.pick(row.base.titles), _("Save"), reverse("desk-taxed", args=[row.code]), lead=row.code
    )


@staff(WRITE)
@require_POST
def act(request: Request, code: str) -> HttpResponse:
    """do=end|reopen|share|seen. share: weight-ID=PARTS of each, add=NUMBER of somebody more."""
    row, post = _thing(request, code, WRITE), request.POST
    try:
        match post.get("do"):
            case "end":
                form = EndForm(post)
                if not form.is_valid():
                    raise actions.Refused(_("Say why, and until which day."))
                actions.end(
                    row.pk, reason=form.cleaned_data["reason"], until=form.cleaned_data["until"], by=request.actor
                )
            case "reopen":
                actions.reopen(row.pk, by=request.actor)
            case "seen":
                actions.see(row.pk, by=request.actor, permission=WRITE)
            case "share":
                actions.share(row.pk, _weights(request, row), by=request.actor)
            case _:
                raise actions.Refused(_("There is no such action."))
    except actions.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done."))
    return redirect("desk-taxed", row.code)


def _weights(request: Request, row: Taxed) -> dict[int, int]:
    found = {}
    for part in row.parts.all():
        weight = _number(request.POST.get(f"weight-{part.taxpayer_id}", "")) or 0
        if weight:
            found[part.taxpayer_id] = min(weight, 1_000_000)
    if typed := request.POST.get("add", "").strip():
        other = reads.by_number(typed)
        if other is None:
            raise actions.Refused(_("There is no taxpayer %(number)s.") % {"number": typed[:20]})
        found[other.pk] = min(_number(request.POST.get("add_weight", "")) or 1, 1_000_000)
    return found


@staff(WRITE)
def same(request: Request) -> HttpResponse:
    """Pairs that may be one. POST do=merge|not-same, keep=ID, other=ID."""
    if request.method == "POST":
        one, other = (_number(request.POST.get(name, "")) or 0 for name in ("keep", "other"))
        get_object_or_404(Taxpayer, pk=one)
        get_object_or_404(Taxpayer, pk=other)
        try:
            if request.POST.get("do") == "merge":
                kept = actions.merge(one, other, by=request.actor)
                messages.success(request, _("%(name)s is one taxpayer now.") % {"name": kept.name})
            else:
                actions.not_same(one, other, by=request.actor)
                messages.success(request, _("Kept: they are not the same."))
        except actions.Refused as error:
            messages.error(request, str(error))
        return redirect("desk-register-same")
    return render(request, "revenue/same.html", {"pairs": doubles.pairs(request.actor)})
