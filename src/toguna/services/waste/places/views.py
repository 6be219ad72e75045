"""The register for everybody: what takes what, the nearest first; and the page that a QR on a bin leads to."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib import messages
from django.contrib.gis.geos import Point
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from toguna.engines.people import api as people
from toguna.engines.territory import api as territory
from toguna.kernel import codes, limits, text
from toguna.kernel.web import Request, public
from toguna.services.waste import opening
from toguna.services.waste.clientid import once
from toguna.services.waste.models import PlaceSaid, WastePlace
from toguna.services.waste.places import actions, reads

# They are not full, broken or dirty; they may be gone.
SHOPS = (*reads.BUY, WastePlace.Kind.REWARD)


@public
def places(request: HttpRequest) -> HttpResponse:
    """?material=, ?q= a landmark or coordinates, ?kind=, ?open=1, ?sort=price or near."""
    given = request.GET
    materials = {row.slug: row for row in reads.materials()}
    material = materials.get(given.get("material", ""))
    kind = given.get("kind", "")
    kind = kind if kind in WastePlace.Kind.values else ""
    typed = text.clean(given.get("q", ""))[:200]
    hits = territory.geocode(typed, limit=1) if typed else []
    point = Point(hits[0].lon, hits[0].lat, srid=4326) if hits else None
    asked = bool(material or kind or typed)
    # Who has not said where they are is not served by the alphabet.
    by_price = material is not None and given.get("sort", "" if point else "price") == "price"
    found = (
        reads.nearest(
            point,
            material=material,
            kinds=(kind,) if kind else (),
            open_now="open" in given,
            by_price=by_price,
            most=30,
        )
        if asked
        else []
    )
    values = {
        "materials": [(slug, text.pick(row.names)) for slug, row in materials.items()], "material": material, "kind": kind,
        "kinds": WastePlace.Kind.choices, "typed": typed, "at": hits[0] if hits else None, "lost": bool(typed) and not hits,
        "open": "open" in given, "by_price": by_price, "priced": any(one.price for one in found), "found": found, "asked": asked, "points": reads.points(found), "tiles": list(materials.values()),
    }  # fmt: skip
    return render(request, "waste/places.html", values)


@public
def place(request: Request, code: str) -> HttpResponse:
    """One place; ?do: whoever stands before it says what they see."""
    row = reads.by_code(codes.read(code))
    if row is None or not row.public:
        raise Http404(_("There is no such place."))
    if request.method == "POST":
        try:
            limits.hit("waste.say", f"device {people.device_of(request)}", at_most=30, per=timedelta(hours=1))
            actions.say(
                row, request.POST.get("what", ""), client_id=once(request.POST.get("client_id", "")), channel="web"
            )
        except (actions.Refused, limits.TooMany) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, _("Thank you: the service is told."))
        return people.remember_device(request, redirect("waste-place", code=row.code))
    takes = row.taken.select_related("material").order_by("material__order")
    values = {
        "row": row, "takes": takes, "not_now": reads.closed(row), "hours": opening.shown(row.hours),
        "whats": [(what, words) for what, words in PlaceSaid.What.choices if what == "gone" or row.kind not in SHOPS], "client_id": uuid.uuid4(), "closed": row.state == "closed", "phoned": row.kind in SHOPS, "emptied": row.kind in actions.FILLED and row.state != "closed",
        "full": PlaceSaid.objects.filter(place=row, what="full", done=None).order_by("-pk").first(),
    }  # fmt: skip
    return people.remember_device(request, render(request, "waste/place.html", values))
