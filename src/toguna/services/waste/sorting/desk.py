"""The back office of sorting: what is brought to a sorting point, campaigns and what they changed, rewards, what shops are owed."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.ledger import api as ledger
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit, money, text, town
from toguna.kernel.web import Request, staff
from toguna.services.waste import households
from toguna.services.waste.clientid import once
from toguna.services.waste.models import Household, Material, PointEntry, Reward, SortingCampaign, WastePlace
from toguna.services.waste.orders import money as prices
from toguna.services.waste.orders.forms import PayOutForm
from toguna.services.waste.sorting import actions, campaigns, drawing, reads
from toguna.services.waste.weighing.telling import shown

MOST_COMPARED = 4


class EntryForm(forms.Form):
    """What a household brought to a sorting point."""

    client_id = forms.UUIDField(widget=forms.HiddenInput)
    place = forms.ChoiceField(label=gettext_lazy("At"), required=False)
    card = forms.CharField(
        label=gettext_lazy("Card, or phone number"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
    material = forms.ChoiceField(label=gettext_lazy("Material"))
    kilos = forms.DecimalField(
        label=gettext_lazy("Weight, kg"), min_value=Decimal("0.01"), max_value=500, decimal_places=2, localize=True
    )

    def __init__(self, *args: Any, places: list[WastePlace], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = {str(one.pk): one for one in places}
        self.materials = {one.slug: one for one in Material.objects.filter(active=True, sorted=True)}
        self.fields["place"].choices = [("", "–"), *((pk, one.name) for pk, one in self.places.items())]  # type: ignore[attr-defined]
        self.fields["material"].choices = [(slug, text.pick(one.names)) for slug, one in self.materials.items()]  # type: ignore[attr-defined]

    def clean_card(self) -> Household:
        typed = self.cleaned_data["card"]
        found = households.by_card(typed) or households.by_phone(typed)
        if found is None:
            raise forms.ValidationError(_("Nobody has this card. Whoever has none gets one by SMS: MY POINTS."))
        return found


class CampaignForm(forms.Form):
    since = forms.DateField(label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=gettext_lazy("Until"), widget=forms.DateInput(attrs={"type": "date"}))
    material = forms.ChoiceField(label=gettext_lazy("Material"), required=False)
    zones = forms.MultipleChoiceField(label=gettext_lazy("Districts that have it"), widget=forms.CheckboxSelectMultiple)
    compared = forms.MultipleChoiceField(
        label=gettext_lazy("Districts left out, to compare"), required=False, widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("Those that sort about as much now. None chosen: we choose the most alike."),
    )  # fmt: skip
    target = forms.DecimalField(
        label=gettext_lazy("Target, kg a household a week"),
        min_value=0,
        max_value=1000,
        decimal_places=2,
        localize=True,
    )
    times = forms.IntegerField(label=gettext_lazy("Points, percent of the usual"), min_value=100, max_value=1000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        districts = [(zone.id, text.pick(zone.names)) for zone in territory.districts()]
        self.materials = {one.slug: one for one in Material.objects.filter(active=True, sorted=True)}
        for name in ("zones", "compared"):
            self.fields[name].choices = districts  # type: ignore[attr-defined]
        materials = [("", _("all")), *((slug, text.pick(one.names)) for slug, one in self.materials.items())]
        self.fields["material"].choices = materials  # type: ignore[attr-defined]
        for language in town.current().languages:
            self.fields[f"title_{language}"] = forms.CharField(
                label=_("Name (%(language)s)") % {"language": language}, max_length=80, required=False
            )
            self.fields[f"text_{language}"] = forms.CharField(
                label=_("Message to households (%(language)s)") % {"language": language}, max_length=300, required=False,
                widget=forms.Textarea(attrs={"rows": 3}),
            )  # fmt: skip
        self.order_fields([f"{kind}_{language}" for language in town.current().languages for kind in ("title", "text")])

    def told(self, slug: str, row: SortingCampaign | None) -> campaigns.Told:
        given = self.cleaned_data
        languages = town.current().languages
        zones = [int(one) for one in given["zones"]]
        compared = [int(one) for one in given["compared"]]
        material = self.materials.get(given["material"])
        if not compared:
            others = campaigns.beside(given["since"], given["until"], material, row)
            busy = set(others.values_list("zones", flat=True))
            among = [zone.id for zone in territory.districts() if zone.id not in busy]
            compared = reads.comparable(
                zones,
                among,
                timezone.localdate(),
                material.pk if material else None,
                min(MOST_COMPARED, max(2, len(zones))),
            )
        return campaigns.Told(
            slug, {one: text.clean(given[f"title_{one}"]) for one in languages if given[f"title_{one}"]},
            {one: text.clean(given[f"text_{one}"]) for one in languages if given[f"text_{one}"]}, given["since"], given["until"], zones,
            compared, material, given["target"], given["times"],
        )  # fmt: skip


class RewardForm(forms.Form):
    points = forms.IntegerField(label=gettext_lazy("Points"), min_value=1, max_value=1_000_000)
    value = forms.CharField(label=gettext_lazy("What the town owes the shop for it"), max_length=20, initial="0")
    active = forms.BooleanField(label=gettext_lazy("Offered"), required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for language in town.current().languages:
            self.fields[f"title_{language}"] = forms.CharField(
                label=_("Name (%(language)s)") % {"language": language}, max_length=80, required=False
            )
        self.order_fields([f"title_{language}" for language in town.current().languages])

    def clean_value(self) -> int:
        try:
            return money.read(self.cleaned_data["value"])
        except money.NotMoney:
            raise forms.ValidationError(_("This is not an amount.")) from None


@staff("waste.read")
def overview(request: Request) -> HttpResponse:
    """Campaigns, rewards, partner shops with what they are owed; what is brought is typed here."""
    actor = request.actor
    zones = access.zones(actor, "waste.work")
    places = WastePlace.objects.filter(kind__in=("sorting", "buyer", "reseller", "point"), state="open").order_by(
        "name"
    )
    if zones is not None:
        places = places.filter(zone__in=zones)
    may_work = access.can(actor, "waste.work", anywhere=True)
    form = (
        EntryForm(request.POST or None, initial={"client_id": uuid.uuid4()}, places=list(places[:300]))
        if may_work
        else None
    )
    if request.method == "POST" and form is not None and form.is_valid():
        given = form.cleaned_data
        try:
            made = actions.enter(
                given["card"], form.materials[given["material"]], int(given["kilos"] * 1000), client_id=given["client_id"],
                place=form.places.get(given["place"]), by=actor,
            )  # fmt: skip
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(
                request,
                _("%(points)d points for card %(card)s.")
                % {"points": made.points if made else 0, "card": given["card"].code},
            )
            return redirect("desk-waste-campaigns")
    shops = WastePlace.objects.filter(kind="reward", payer__isnull=False).exclude(state="closed").order_by("name")[:100]
    shops_ = [one for one in shops if access.can(actor, "waste.set_up", zone=one.zone_id)]
    values = {
        "form": form, "campaigns": SortingCampaign.objects.prefetch_related("zones")[:30], "rewards": Reward.objects.all(),
        "shops": [(one, prices.owed_to(one.payer_id)) for one in shops_], "entries": [
            (one, shown(one.grammes)) for one in PointEntry.objects.filter(grammes__gt=0).select_related("household", "material", "place").order_by("-at", "-pk")[:10]
        ],
        "may_set_up": access.can(actor, "waste.set_up", anywhere=True), "may_reward": access.can(actor, "waste.set_up"),
    }  # fmt: skip
    return render(request, "waste/desk_sorting.html", values, status=422 if form is not None and form.errors else 200)


@staff("waste.read")
def campaign(request: Request, slug: str) -> HttpResponse:
    """What it changed, with how sure that is."""
    row = get_object_or_404(
        SortingCampaign.objects.prefetch_related("zones", "compared").select_related("material"), slug=slug
    )
    today = timezone.localdate()
    found = reads.effect(row, today)
    values = {
        "row": row, "effect": found, "drawing": drawing.lines(found) if found else "", "progress": reads.progress(row, today),
        "may_set_up": access.can_each(request.actor, "waste.set_up", campaigns.zones_of(row)), "weeks": reads.LEAST_WEEKS,
    }  # fmt: skip
    return render(request, "waste/desk_campaign.html", values)


@staff("waste.set_up")
def campaign_edit(request: Request, slug: str = "") -> HttpResponse:
    row = (
        get_object_or_404(
            SortingCampaign.objects.prefetch_related("zones", "compared").select_related("material"), slug=slug
        )
        if slug
        else None
    )
    initial: dict[str, Any] = {"target": 1, "times": 200, "since": timezone.localdate()}
    if row is not None:
        initial = {
            "since": row.since, "until": row.until, "material": row.material.slug if row.material else "", "target": row.target,
            "times": row.times, "zones": [z.pk for z in row.zones.all()], "compared": [z.pk for z in row.compared.all()],
            **{f"title_{one}": words for one, words in row.titles.items()}, **{f"text_{one}": words for one, words in row.texts.items()},
        }  # fmt: skip
    form = CampaignForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        title = next(
            (
                form.cleaned_data[f"title_{one}"]
                for one in town.current().languages
                if form.cleaned_data[f"title_{one}"]
            ),
            "",
        )
        new = f"{slugify(title)[:40] or 'tri'}-{form.cleaned_data['since']:%Y%m%d}"
        try:
            made = campaigns.save(row, form.told(row.slug if row else new, row), by=request.actor)
        except actions.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("It is kept."))
            return redirect("desk-waste-campaign", slug=made.slug)
    return render(
        request, "waste/desk_campaign_edit.html", {"row": row, "form": form}, status=422 if form.errors else 200
    )


@staff("waste.set_up")
def campaign_tell(request: Request, slug: str) -> HttpResponse:
    row = get_object_or_404(SortingCampaign, slug=slug)
    if request.method == "POST":
        try:
            going = campaigns.tell(row, by=request.actor)
        except actions.Refused as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("The message goes out now.") if going else _("Households were told already."))
    return redirect("desk-waste-campaign", slug=slug)


@staff("waste.set_up")
def reward_edit(request: Request, slug: str = "") -> HttpResponse:
    row = get_object_or_404(Reward, slug=slug) if slug else None
    initial: dict[str, Any] = {}
    if row is not None:
        initial = {
            "points": row.points,
            "value": money.shown(row.value, plain=True),
            "active": row.active,
            **{f"title_{one}": words for one, words in row.titles.items()},
        }
    form = RewardForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        titles = {one: text.clean(given[f"title_{one}"]) for one in town.current().languages if given[f"title_{one}"]}
        if not titles:
            form.add_error(None, _("Give it a name in one language at least."))
        else:
            access.require(request.actor, "waste.set_up")  # what a reward is worth is so in the whole town
            slug = row.slug if row else f"{slugify(next(iter(titles.values())))[:50] or 'reward'}-{given['points']}"
            made, _new = Reward.objects.update_or_create(
                slug=slug,
                defaults={
                    "titles": titles,
                    "points": given["points"],
                    "value": given["value"],
                    "active": given["active"],
                },
            )
            audit.record(request.actor, "waste.reward", f"waste.reward:{made.pk}")
            messages.success(request, _("It is kept."))
            return redirect("desk-waste-campaigns")
    return render(
        request, "waste/desk_reward_edit.html", {"row": row, "form": form}, status=422 if form.errors else 200
    )


@staff("waste.set_up")
def shop(request: Request, code: str) -> HttpResponse:
    """What a partner shop took, and is owed; a pay-out."""
    row = get_object_or_404(WastePlace, code=code, kind="reward")
    access.require(request.actor, "waste.set_up", zone=row.zone_id)
    form = PayOutForm(request.POST or None, initial={"client_id": once("")})
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            prices.pay_out(
                money.read(given["amount"]), way=given["way"], client_id=given["client_id"], by=request.actor, place=row,
                payer=row.payer_id, note=given["note"],
            )  # fmt: skip
        except money.NotMoney:
            form.add_error("amount", _("This is not an amount."))
        except ledger.Refused as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, _("The payment is written down."))
            return redirect("desk-waste-shop", code=row.code)
    values = {
        "row": row, "owed": prices.owed_to(row.payer_id), "form": form, "payouts": row.payouts.all()[:20],
        "vouchers": row.vouchers.select_related("reward").order_by("-used")[:50],
    }  # fmt: skip
    return render(request, "waste/desk_shop.html", values, status=422 if form.errors else 200)
