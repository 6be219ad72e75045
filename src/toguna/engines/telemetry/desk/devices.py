"""Devices: the list, each one, its keys, its days; those that nobody knows; how they are read."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import segno
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control

from toguna.engines.telemetry.desk import reading
from toguna.engines.telemetry.desk.forms import DecoderForm, DeviceForm, KeepForm
from toguna.engines.telemetry.devices import keys, reads, register
from toguna.engines.telemetry.devices.register import MANAGE, READ
from toguna.engines.telemetry.models import Decoder, Device, Latest, Refused
from toguna.engines.territory import api as territory
from toguna.kernel import access, audit
from toguna.kernel.web import Request, staff

SHOWN, ON_MAP = 50, 300
PRIVATE = cache_control(private=True, no_store=True)  # a key, a person's way: no browser keeps it


def _mine(request: Request, pk: int, permission: str = READ) -> Device:
    row = reading.device(request.actor, pk)
    if row is None:
        raise Http404
    access.require(request.actor, permission, zone=row.zone)
    return row


@staff(READ)
def index(request: Request) -> HttpResponse:
    words, state = " ".join(request.GET.get("q", "").split())[:80], request.GET.get("state", "")
    rows = reads.visible(request.actor).select_related("latest").order_by("name", "pk")
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(code__icontains=words) | Q(ref__icontains=words))
    if state in Device.State.values:
        rows = rows.filter(state=state)
    elif state == "silent":
        rows = rows.filter(state=Device.State.ACTIVE).exclude(latest__heard__gte=timezone.now() - timedelta(days=1))
    else:
        rows = rows.exclude(state=Device.State.RETIRED)
    values = {
        "page": Paginator(rows, SHOWN).get_page(request.GET.get("page")),
        "words": words,
        "state": state,
        "states": [("", _("all")), *Device.State.choices, ("silent", _("silent for a day"))],
        "strangers": len(register.strangers()),
        "alarms": reading.alarms(request.actor, only_open=True).count(),
        "drift": reading.DRIFT,
        "low": reading.LOW,
        "may_manage": access.can(request.actor, MANAGE, anywhere=True),
    }
    return render(request, "telemetry/desk_devices.html", values)


def library() -> dict[str, str]:
    """What map.js needs to know, as attributes."""
    return {
        "maplibre": static("vendor/maplibre/maplibre-gl.mjs"),
        "map_worker": static("vendor/maplibre/maplibre-gl-worker.mjs"),
        "map_css": static("vendor/maplibre/maplibre-gl.css"),
    }


@staff(READ)
def on_map(request: Request) -> HttpResponse:
    """Where they all are: ?box=west,south,east,north, the town when it is not said."""
    box = _box(request.GET.get("box", "")) or territory.town_bounds() or (-180.0, -90.0, 180.0, 90.0)
    spots = reads.positions_within(
        box, zones=access.zones(request.actor, READ), kind=request.GET.get("kind", ""), most=ON_MAP
    )
    spots.sort(key=lambda spot: -spot.n)
    here = reverse("desk-devices-map")
    shown = [
        (spot, reverse("desk-device", args=[spot.device]) if spot.device else f"{here}?box={_around(spot, box)}")
        for spot in spots[:ON_MAP]
    ]
    points = [
        {
            "lat": round(spot.lat, 5), "lon": round(spot.lon, 5), "title": spot.name or str(spot.n), "code": "", "url": url,
            "kind": "open" if spot.device else "waiting",
        }
        for spot, url in shown
    ]  # fmt: skip
    values = {
        "points": json.dumps(points, ensure_ascii=False),
        "spots": shown,
        "more": max(0, len(spots) - ON_MAP),
        "total": sum(spot.n for spot in spots),
        "kinds": Device.Kind.choices,
        "kind": request.GET.get("kind", ""),
        "box": request.GET.get("box", ""),
        **library(),
    }
    return render(request, "telemetry/desk_map.html", values)


def _box(typed: str) -> tuple[float, float, float, float] | None:
    try:
        west, south, east, north = (float(part) for part in typed.split(","))
    except ValueError:
        return None
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        return None
    return west, south, east, north


def _around(spot: reads.Spot, box: tuple[float, float, float, float]) -> str:
    wide, high = (box[2] - box[0]) / 20, (box[3] - box[1]) / 20
    return f"{spot.lon - wide:.5f},{spot.lat - high:.5f},{spot.lon + wide:.5f},{spot.lat + high:.5f}"


def _save(request: Request, form: DeviceForm, code: str = "") -> Device | None:
    if not form.is_valid():
        return None
    data = form.cleaned_data
    try:
        return register.register_device(
            code or data["code"], data["door"], register.Told(**form.told()), by=request.actor
        )
    except ValidationError as error:
        for name, problems in error.message_dict.items():
            form.add_error(name if name in form.fields else None, problems)
        return None


def _form(request: Request, form: Any, title: str, *, back: str = "", lead: str = "") -> HttpResponse:
    values = {"form": form, "title": title, "back": back or reverse("desk-devices"), "lead": lead}
    return render(request, "telemetry/desk_form.html", values, status=422 if form.errors else 200)


@staff(MANAGE)
def new(request: Request) -> HttpResponse:
    """?code= and ?door= are those of a stranger."""
    offered = {name: request.GET[name][:64] for name in ("code", "door") if name in request.GET}
    form = DeviceForm(request.POST or None, initial=offered, allowed=access.zones(request.actor, MANAGE))
    if request.method == "POST":
        if Device.objects.filter(code=request.POST.get("code", "")).exists():
            form.add_error("code", _("It is in the register already."))
        elif made := _save(request, form):
            messages.success(request, _("%(name)s is in the register.") % {"name": made.name})
            return redirect("desk-device-key" if made.door not in ("tcp", "sms") else "desk-device", made.pk)
    return _form(request, form, _("Register a device"))


@staff(MANAGE)
def edit(request: Request, pk: int) -> HttpResponse:
    row = _mine(request, pk, MANAGE)
    form = DeviceForm(request.POST or None, instance=row, allowed=access.zones(request.actor, MANAGE))
    if request.method == "POST" and _save(request, form, row.code):
        messages.success(request, _("It is saved."))
        return redirect("desk-device", pk)
    return _form(request, form, row.name, back=reverse("desk-device", args=[pk]))


@staff(READ)
def device(request: Request, pk: int) -> HttpResponse:
    row = _mine(request, pk)
    if request.method == "POST":
        acts: dict[str, Callable[..., Device]] = {
            "accept": register.accept,
            "retire": register.retire,
            "key": register.new_key,
            "back": register.take_back,
        }
        act = acts.get(request.POST.get("do", ""))
        if act is None:
            raise Http404
        act(pk, by=request.actor)
        return redirect("desk-device-key" if request.POST["do"] in ("key", "back") else "desk-device", pk)
    last = reads.latest([pk]).get(pk) or reads.Last(pk)
    place = territory.reverse(last.lon, last.lat) if last.lat is not None and last.lon is not None else ""
    values = {
        "device": row,
        "last": last,
        "counts": Latest.objects.filter(pk=pk).values("taken", "twice").first(),
        "place": place,
        "measured": reading.measured(last),
        "refused": Refused.objects.filter(device=row).order_by("-last")[:20],
        "alarms": reading.alarms(request.actor).filter(device=row)[:10],
        "may_manage": access.can(request.actor, MANAGE, zone=row.zone),
        "drifts": reading.clock(last.drift),
        "today": timezone.localdate(),
    }
    return render(request, "telemetry/desk_device.html", values)


@staff(MANAGE)
@PRIVATE
def key(request: Request, pk: int) -> HttpResponse:
    """How it is set up, with its key: who looked is written down."""
    row = _mine(request, pk, MANAGE)
    # With that of network servers one can speak for any device of theirs.
    network = row.door == Device.Door.LORAWAN and access.can(request.actor, MANAGE)
    if request.method == "POST":
        if row.door != Device.Door.LORAWAN:
            raise Http404
        register.new_network_key(by=request.actor)
        messages.success(request, _("The key is new: tell it to all network servers."))
        return redirect("desk-device-key", pk)
    with_key = register.key_of(row)
    audit.record(request.actor, "telemetry.see_key", f"telemetry.device:{pk}")
    here = request.build_absolute_uri("/").rstrip("/")
    link = f"{here}{reverse('telemetry-phone')}#code={quote(row.code)}&key={with_key}&name={quote(row.name)}"
    lines: list[tuple[str, str]] = []
    if row.door == Device.Door.MQTT:
        lines = [(_("User name"), row.code), (_("Password"), with_key), (_("Topic"), f"t/{row.code}/up")]
    elif row.door == Device.Door.HTTP:
        lines = [
            (_("Address"), f"{here}{reverse('telemetry-in', args=[row.code])}"),
            ("Authorization", f"Bearer {with_key}"),
        ]
    elif row.door == Device.Door.LORAWAN:
        lines = [
            ("ChirpStack", f"{here}{reverse('telemetry-chirpstack')}"),
            ("The Things Stack", f"{here}{reverse('telemetry-things-stack')}"),
        ]
        if network:
            lines.append(("Authorization", f"Bearer {keys.network(register.network_number())}"))
    elif row.door == Device.Door.PHONE:
        lines = [
            (_("Page to open on the phone"), link),
            ("Traccar Client, OsmAnd", f"{here}{reverse('telemetry-osmand-key', args=[with_key])}"),
            (_("Identifier"), row.code),
        ]
    elif row.door == Device.Door.SMS:
        lines = [(_("Its own phone number"), row.phone), (_("Text"), "fill=71 battery=88")]
    if row.signed:
        lines.append((_("Key of signatures"), with_key))
    picture = ""
    if row.door == Device.Door.PHONE:
        picture = mark_safe(segno.make(link, error="m").svg_inline(scale=4, border=2))  # noqa: S308 - segno's own drawing
    return render(
        request, "telemetry/desk_key.html", {"device": row, "lines": lines, "picture": picture, "network": network}
    )


@staff(READ)
@PRIVATE
def day(request: Request, pk: int) -> HttpResponse:
    """Where it was on a day: ?day=2026-11-29. Whoever looked is written down: it is also where somebody was."""
    row = _mine(request, pk)
    today = timezone.localdate()
    try:
        wanted = datetime.strptime(request.GET.get("day", ""), "%Y-%m-%d").date()
    except ValueError:
        wanted = today
    start = timezone.make_aware(datetime.combine(wanted, datetime.min.time()))
    way = reading.way(pk, start, start + timedelta(days=1))
    audit.record(request.actor, "telemetry.see_way", f"telemetry.device:{pk}", day=wanted.isoformat())
    values = {
        "device": row, "day": wanted, "today": today, "before": wanted - timedelta(days=1), "after": wanted + timedelta(days=1),
        "way": way, "km": way.metres / 1000, **library(),
    }  # fmt: skip
    return render(request, "telemetry/desk_day.html", values)


@staff(READ)
def quarantine(request: Request) -> HttpResponse:
    if request.method == "POST":
        do, pk = request.POST.get("do", ""), request.POST.get("pk", "")
        if not pk.isdecimal():
            raise Http404
        if do == "forget":
            register.forget_stranger(int(pk), by=request.actor)
        elif do in ("accept", "retire"):
            _mine(request, int(pk), MANAGE)
            (register.accept if do == "accept" else register.retire)(int(pk), by=request.actor)
        return redirect("desk-quarantine")
    waiting = reads.visible(request.actor).filter(state=Device.State.WAITING).select_related("latest").order_by("name")
    values = {
        "waiting": waiting[:200],
        "strangers": register.strangers(),
        "may_manage": access.can(request.actor, MANAGE, anywhere=True),
        "whys": {
            "clone": _("two speak under this name, in two places"),
            "sequence": _("two count under this name"),
        },
    }
    return render(request, "telemetry/desk_quarantine.html", values)


@staff(MANAGE)
def decoders(request: Request) -> HttpResponse:
    return render(request, "telemetry/desk_decoders.html", {"decoders": Decoder.objects.all()})


@staff(MANAGE)
def decoder(request: Request, slug: str = "") -> HttpResponse:
    row = get_object_or_404(Decoder, slug=slug) if slug else None
    first = {"slug": row.slug, "name": row.name, "fields_": json.dumps(row.fields, indent=1)} if row else None
    form = DecoderForm(request.POST or None, initial=first, row=row)
    tried = None
    if request.method == "POST" and form.is_valid():
        if request.POST.get("do") == "try":
            tried = form.tried()
        else:
            data = form.cleaned_data
            register.save_decoder(row.slug if row else data["slug"], data["name"], data["fields_"], by=request.actor)
            messages.success(request, _("It is saved."))
            return redirect("desk-decoders")
    values = {"form": form, "row": row, "tried": tried, "asked": request.POST.get("do") == "try" and not form.errors}
    return render(request, "telemetry/desk_decoder.html", values, status=422 if form.errors else 200)


@staff(MANAGE)
def kept(request: Request) -> HttpResponse:
    """For how long readings and positions are kept: the whole town's."""
    access.require(request.actor, MANAGE)
    form = KeepForm(request.POST or None, initial=KeepForm.kept())
    if request.method == "POST" and form.is_valid():
        register.keep_for(form.days(), by=request.actor)
        messages.success(request, _("It is saved."))
        return redirect("desk-devices")
    values = {
        "form": form, "title": _("How long it is kept"), "back": reverse("desk-devices"),
        "lead": _("Positions say where people were: keep them no longer than they are needed."),
    }  # fmt: skip
    return render(request, "telemetry/desk_form.html", values, status=422 if form.errors else 200)
