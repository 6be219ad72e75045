"""What an agent counted without network, written when it gets here: each record once, whatever is sent again. Somebody who may be there
already is found now; nothing of what was counted is thrown away."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import access, audit, pictures, text
from toguna.kernel.access import Actor, Denied
from toguna.services.revenue.models import Base, Taxed, Taxpayer
from toguna.services.revenue.register import actions, numbers, reads

LATE = timedelta(days=30)  # a clock that says more than that is wrong
NEAR = 0.0003  # degrees, some 30 metres
SIZE = 1200  # pixels


@dataclass(frozen=True)
class Result:
    """state: "sent", or "refused" with why: the telephone keeps it then; "waiting": a photo that came before its record. code: of the
    thing; says: what the agent should look at."""

    id: str
    state: Literal["sent", "refused", "waiting"]
    says: str = ""
    code: str = ""


def apply(record: Mapping[str, Any], *, by: Actor) -> Result:
    """One record, in one transaction. Never raises for what is wrong with the record: the result says it."""
    typed = str(record.get("id", ""))
    try:
        once = uuid.UUID(typed)
        with transaction.atomic():
            return _counted(record, once, by)
    except actions.Refused as error:
        return Result(typed, "refused", str(error))
    except ValidationError as error:
        return Result(typed, "refused", " ".join(error.messages))
    except Denied:
        return Result(typed, "refused", _("You may not write in this district."))
    except (ValueError, TypeError, OverflowError):
        return Result(typed, "refused", _("This record cannot be read. Check its numbers, and write it again."))


def _counted(record: Mapping[str, Any], once: uuid.UUID, by: Actor) -> Result:
    before = Taxed.objects.filter(client_id=once).first()
    if before is not None:
        return Result(str(once), "sent", code=before.code)
    base = Base.objects.filter(slug=str(record.get("base", "")), active=True).first()
    if base is None:
        raise actions.Refused(_("This tax is not collected any more."))
    said = {name: text.clean(str(record.get(name) or "")) for name in ("name", "phone", "trade", "words", "plate")}
    phone = people.normal_phone(said["phone"]) if said["phone"] else ""
    point, seen = point_of(record), moment_of(record.get("at"))
    measures = record.get("measures") if isinstance(record.get("measures"), dict) else {}
    what = actions.What(words=said["words"], plate=said["plate"], measures=measures or {}, point=point)
    there = _there(base, said, phone, point)
    if there is not None:
        actions.see(there.pk, by=by, at=seen, measures=measures or {}, point=point, permission=actions.WRITE)
        return Result(str(once), "sent", _("It was in the register: seen again."), there.code)
    known = _known(said["name"], phone, by)
    who = known or actions.add_taxpayer(
        actions.Who(name=said["name"], phone=phone, trade=said["trade"], point=point),
        by=by,
        client_id=uuid.uuid5(once, "who"),
    )
    made = actions.declare(base, [who.pk], what, by=by, client_id=once, seen=seen)
    says = _("Written for %(name)s, who was in the register.") % {"name": who.name} if known else _alike(who, by)
    return Result(str(once), "sent", says, made.code)


def point_of(record: Mapping[str, Any]) -> Point | None:
    """Of `lon` and `lat`, degrees. Raises ValueError."""
    if record.get("lon") in (None, "") or record.get("lat") in (None, ""):
        return None
    lon, lat = float(record["lon"]), float(record["lat"])
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        raise ValueError("point")
    return Point(lon, lat, srid=4326)


def moment_of(typed: Any) -> datetime:
    """When it was counted, as far as the telephone's clock can be believed."""
    now = timezone.now()
    found = parse_datetime(str(typed or ""))
    return found if found is not None and found.tzinfo and now - LATE < found <= now else now


def _there(base: Base, said: Mapping[str, str], phone: str, point: Point | None) -> Taxed | None:
    """The same thing of the same tax, declared before: by its plate, or by its mark and place; with a payer who is the same."""
    rows = Taxed.objects.filter(base=base).exclude(state=Taxed.State.GONE)
    plate = numbers.plate(said["plate"])
    if plate:
        found = rows.filter(plate=plate)
    elif said["words"] and point is not None:
        found = rows.filter(words__iexact=said["words"], point__dwithin=(point, NEAR))
    else:
        return None
    folded = text.fold(said["name"])
    for one in found.prefetch_related("parts__taxpayer")[:5]:
        payers = [part.taxpayer for part in one.parts.all()]
        if any(
            (phone and payer.phone == phone) or sorted(payer.folded.split()) == sorted(folded.split())
            for payer in payers
        ):
            return one
    return None


def _known(name: str, phone: str, by: Actor) -> Taxpayer | None:
    """Who has this telephone and this name already, whatever the order of its words."""
    if not phone:
        return None
    words = sorted(text.fold(name).split())
    same = reads.taxpayers(by, actions.WRITE).filter(phone=phone)[:20]
    return next((one for one in same if sorted(one.folded.split()) == words), None)


def _alike(who: Taxpayer, by: Actor) -> str:
    """Said at once, while the agent still stands there; the pair is also on the desk's page of duplicates."""
    same = reads.taxpayers(by, actions.WRITE).exclude(pk=who.pk)
    found = same.filter(phone=who.phone).first() if who.phone else None
    if found is None and who.point is not None:
        found = same.filter(folded__trigram_similar=who.folded, point__dwithin=(who.point, NEAR)).first()
    return (
        _("Perhaps the same as %(name)s, %(number)s.") % {"name": found.name, "number": found.number} if found else ""
    )


def photo_path(name: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "taxed" / name[:2] / name


def add_photo(typed: str, of: str, data: bytes, *, by: Actor) -> Result:
    """A photo of a thing that was counted, drawn anew: the pixels and nothing else. The last one is kept."""
    try:
        once, record = uuid.UUID(typed), uuid.UUID(of)
        cases.check_photo(data)
    except cases.BadPhoto as error:
        return Result(typed, "refused", str(error))
    except ValueError:
        return Result(typed, "refused", _("This cannot be read."))
    with transaction.atomic():
        row = Taxed.objects.select_for_update().filter(client_id=record).first()
        if row is None:
            return Result(typed, "waiting")
        if not access.can(by, actions.WRITE, zone=row.zone_id, anywhere=row.zone_id is None):
            return Result(typed, "refused", _("You may not write in this district."))
        name = f"{once}.jpg"
        if row.photo != name:
            try:
                drawn_anew(data, photo_path(name))
            except OSError:
                return Result(typed, "refused", _("This photo cannot be read."))
            row.photo = name
            row.save(update_fields=["photo"])
            audit.record(by, "revenue.photo", f"revenue.taxed:{row.pk}")
    return Result(typed, "sent", code=row.code)


def drawn_anew(data: bytes, path: Path) -> None:
    """The pixels of a photo and nothing else. The file first, then the row: a power cut between the two leaves a file that nobody sees."""
    made = pictures.drawn(data, SIZE)
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_suffix(".part")
    with half.open("wb") as file:
        file.write(made)
        file.flush()
        os.fsync(file.fileno())
    half.replace(path)
