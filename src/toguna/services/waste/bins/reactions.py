"""What others say of bins: residents before one, reports of the town, sensors. Names of categories are those of the reports' own list."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.kernel import access, text
from toguna.services.waste.bins import learning, reads
from toguna.services.waste.models import Call, Fill, PlaceSaid, WastePlace
from toguna.services.waste.places.events import PlaceReported

REPORTS = "reports"
WILD = {"waste-pile": (1500, 400), "dead-animal": (100, 60)}  # category: litres, kilograms that one may be
FULL_BIN = "full-bin"
QUANTITY = "fill"  # percent, by sensors
HEADS = "waste.set_up"
NAMED = 5  # bins that a message names

BIN_FULL = telemetry.Rule(
    "waste-bin-full", {"fr": "Bac plein", "pt": "Contentor cheio", "en": "Bin full"},
    telemetry.Threshold(QUANTITY, above=90, clear=70), level=1, service="waste", kind=telemetry.Device.Kind.SENSOR, tells=HEADS,
)  # fmt: skip
# A bin in the sun of the hot season is at 60 degrees: what burns in it is far above.
BIN_BURNS = telemetry.Rule(
    "waste-bin-burns", {"fr": "Feu dans un bac", "pt": "Fogo num contentor", "en": "Fire in a bin"},
    telemetry.Threshold("temperature", above=70, clear=55), level=3, service="waste", kind=telemetry.Device.Kind.SENSOR, tells=HEADS,
)  # fmt: skip


def on_place_reported(event: PlaceReported) -> None:
    """Somebody who stands before it says that it is full."""
    if event.what != PlaceSaid.What.FULL:
        return
    said = PlaceSaid.objects.filter(pk=event.said).first()
    if said is not None:
        learning.found(event.place, 100, source=Fill.Source.PERSON, at=said.at, client_id=said.client_id)


def on_alarm(alarm: telemetry.Alarm, _chosen: str) -> None:
    """The bin on which the device stands joins the next round: as when somebody says that it is full, once for each alarm."""
    place = WastePlace.objects.filter(device=alarm.device_id, kind__in=("bin", "point")).first()
    if place is not None:
        once = uuid.uuid5(uuid.NAMESPACE_OID, f"waste.alarm:{alarm.pk}")
        PlaceSaid.objects.get_or_create(
            client_id=once,
            defaults={"place": place, "what": PlaceSaid.What.FULL, "channel": "sensor", "at": alarm.raised},
        )


NEXT_ROUND = telemetry.AlarmReaction(
    "round", gettext_lazy("Fetch it"), "waste.work", lambda: [("next", gettext_lazy("with the next round"))], on_alarm
)


def on_case_opened(event: cases.CaseOpened) -> None:
    """A wild dump or a full bin that was reported joins the next round."""
    if event.type != REPORTS:
        return
    case = cases.Case.objects.select_related("topic").get(pk=event.case)
    if case.point is None or case.topic.slug not in (*WILD, FULL_BIN):
        return
    if case.topic.slug == FULL_BIN and (place := learning.nearest_bin(case.point.x, case.point.y)):
        once = uuid.uuid5(uuid.NAMESPACE_OID, f"waste.case:{case.pk}")
        learning.found(place.pk, 100, source=Fill.Source.PERSON, at=case.created, client_id=once)
        PlaceSaid.objects.get_or_create(
            client_id=once,
            defaults={"place": place, "what": PlaceSaid.What.FULL, "channel": case.channel, "at": case.created},
        )
        return
    litres, kilograms = WILD.get(case.topic.slug, (800, 200))
    name = f"{text.pick(case.topic.names)}, {case.place}" if case.place else text.pick(case.topic.names)
    Call.objects.get_or_create(
        case=case.pk,
        defaults={
            "point": case.point,
            "zone_id": case.zone_id,
            "name": name[:120],
            "volume": litres,
            "weight": kilograms,
        },
    )


def on_case_moved(event: cases.CaseMoved) -> None:
    """What is solved, refused or merged is no longer to be fetched; what is opened again is."""
    if event.type != REPORTS:
        return
    still = cases.Case.objects.filter(pk=event.case, open=True).exists()
    calls = Call.objects.filter(case=event.case)
    if still:
        calls.filter(state=Call.State.ENDED).update(state=Call.State.OPEN)
    else:
        calls.filter(state=Call.State.OPEN).update(state=Call.State.ENDED)


def listen() -> None:
    """What sensors last said of bins, into the same history: once for each new reading. Three statements."""
    places: dict[Any, int] = dict(
        WastePlace.objects.filter(device__isnull=False, kind__in=("bin", "point")).values_list("device", "pk")
    )
    since = timezone.now() - timedelta(hours=6)
    rows = []
    for device, last in telemetry.latest(list(places)).items():
        value, at = last.values.get(QUANTITY, (None, None))
        if value is not None and at is not None and at >= since:
            once = uuid.uuid5(uuid.NAMESPACE_OID, f"waste.sensor:{device}:{at.timestamp()}")
            rows.append((places[device], at, round(max(0, min(value, 200))), str(Fill.Source.SENSOR), False, once))
    learning.keep(rows)


def nightly() -> None:
    learning.forecast()
    learning.forget()
    warn()


def warn() -> int:
    """Tells the heads of the service which bins will be full before a truck comes: one message a day for each of them, with those of
    their zones. How many were told."""
    told = 0
    for account in people.staff_with(HEADS):
        way = people.reach_staff(account)
        found = reads.early(access.zones(people.authority(account.pk), HEADS)) if way is not None else []
        if way is None or not found:
            continue
        with translation.override(way.language):
            where = settings.TOGUNA_URL + reverse("desk-bins")
            names = ", ".join(one.name for one in found[:NAMED])
            body = _("Full before their next round: %(n)d. %(names)s. %(url)s") % {
                "n": len(found),
                "names": names,
                "url": where,
            }
            subject = _("Bins that will be full before their next round")
        key = f"waste:early:{account.pk}:{timezone.localdate()}"
        channels.send(way.medium, way.address, key=key, text=body, subject=subject, language=way.language)
        told += 1
    return told
