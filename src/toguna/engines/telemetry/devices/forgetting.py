"""A device whose number is a person's telephone says where that person was: shown to them, and forgotten with them."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q

from toguna.engines.people import api as people
from toguna.engines.telemetry.devices import register
from toguna.engines.telemetry.models import Alarm, Device, Latest, Refused, RuleState
from toguna.kernel.access import SYSTEM


def _own(person: int) -> list[Device]:
    """Those whose number is this person's alone."""
    phones = people.Contact.objects.filter(person=person, kind="phone").values_list("value", flat=True)
    rows = Device.objects.filter(phone__in=list(phones)).exclude(phone="")
    return [row for row in rows if people.persons_at(row.phone) == [person]]


def export(person: int) -> list[dict[str, Any]]:
    found = []
    for row in _own(person):
        last: dict[str, Any] = dict(Latest.objects.filter(pk=row.pk).values("heard", "lat", "lon").first() or {})
        heard = last.get("heard")
        found.append(
            {
                "code": row.code, "name": row.name, "phone": row.phone, "heard": heard.isoformat() if heard else None,
                "lat": last.get("lat"), "lon": last.get("lon"),
            }
        )  # fmt: skip
    return found


def erase(person: int) -> None:
    """It is believed no more, and where it was goes from the tables, what it wrote and who it was from what is kept beside them; files of
    older days end with their policy, under a code that is nobody's."""
    for row in _own(person):
        register.retire(row.pk, by=SYSTEM)
        Device.objects.filter(pk=row.pk).update(phone="", name=row.code, lat=None, lon=None)
        Latest.objects.filter(pk=row.pk).update(
            lat=None, lon=None, geom=None, position_at=None, other_lat=None, other_lon=None, values={}
        )
        with connection.cursor() as cursor:
            for table in ("reading", "position"):
                cursor.execute(f"DELETE FROM telemetry_{table} WHERE device = %s", [row.pk])
        Refused.objects.filter(Q(device=row.pk) | Q(code=row.code)).delete()  # with the text of its SMS
        RuleState.objects.filter(device=row.pk).delete()
        Alarm.objects.filter(device=row.pk).update(lat=None, lon=None)
        row.events.all().delete()  # type: ignore[attr-defined]  # as it was before, name and number with it
