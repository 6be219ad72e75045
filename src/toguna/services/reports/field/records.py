"""What an inspector did without network, applied when it gets here: each record once, in any order, nothing thrown away.

A record is what was done at one visit, or a report seen on the way. Its id was made by the telephone; each of its parts gets
an id derived from it, so that a replay (of the whole, or of what is left after a cut) changes nothing. What cannot be
done any more (the report was changed or closed meanwhile, it is somebody else's now) becomes a note in its history.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from django.core import signing
from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import codes
from toguna.kernel.access import Actor, Denied
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.desk import costs
from toguna.services.reports.topics import topic

SLIP_DAYS = 7  # how long a telephone may be without network
SLIP = "reports.field"


@dataclasses.dataclass(frozen=True)
class Result:
    """state: "sent"; "kept" as a note, since it could not be done; "refused", and says why: the telephone keeps it;
    "waiting": a photo that came before its report."""

    id: str
    state: Literal["sent", "kept", "refused", "waiting"]
    says: str = ""
    code: str = ""


def slip(case: cases.Case, actor: Actor) -> str:
    """Proof that this report was given to this account for its day: what was done of it is kept even if it is another's now."""
    return signing.dumps([actor.account, case.pk], salt=SLIP)


def _holds(typed: object, case: int, actor: Actor) -> bool:
    try:
        return bool(signing.loads(str(typed), salt=SLIP, max_age=timedelta(days=SLIP_DAYS)) == [actor.account, case])
    except signing.BadSignature:
        return False


def apply(record: Mapping[str, Any], *, by: Actor) -> Result:
    """One record, in one transaction. Never raises for what is wrong with the record: the result says it."""
    typed = str(record.get("id", ""))
    try:
        once = uuid.UUID(typed)
        with transaction.atomic():
            if record.get("kind") == "report":
                return _report(record, once, by)
            return _visit(record, once, by)
    except (cases.Refused, cases.Wrong) as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not work on this report."))
    except (ValueError, TypeError, OverflowError):
        return Result(typed, "refused", _("This record cannot be read. Check its numbers, and write it again."))


def _visit(record: Mapping[str, Any], once: uuid.UUID, by: Actor) -> Result:
    case = _case(str(record.get("case", "")))
    at = moment(record.get("at"))
    words, note, transition = (str(record.get(name) or "") for name in ("words", "note", "transition"))
    minutes, cost = int(record.get("minutes") or 0), costs.read(str(record.get("cost") or ""))
    lost: list[str] = []
    if transition or words:
        move = uuid.uuid5(once, "move")
        try:
            with transaction.atomic():
                if transition:
                    cases.move(
                        case, transition, by=by, words=words, seen=str(record.get("seen") or "") or None,
                        client_id=move, at=at,
                    )  # fmt: skip
                else:
                    cases.reply(case, words, by=by, client_id=move, at=at)
        except (cases.Conflict, Denied) as error:
            reason = _not_theirs() if isinstance(error, Denied) else str(error)
            rule = REPORT.transition(transition)
            wanted = str(rule.verb) if rule else _("Answer")
            said = _("Done in the field, but not applied: “%(action)s”.") % {"action": wanted}
            _note(case, record, f"{said} {reason}\n{words}", move, at, by)
            lost.append(reason)
    if note:
        _note(case, record, note, uuid.uuid5(once, "note"), at, by)
    if minutes or cost:
        work = uuid.uuid5(once, "work")
        try:
            with transaction.atomic():
                cases.log_work(
                    case, by=by, minutes=minutes, cost=cost, what=str(record.get("what") or ""), client_id=work
                )
        except Denied:
            said = _("%(minutes)d minutes, %(cost)s: not counted.") % {"minutes": minutes, "cost": costs.shown(cost)}
            _note(case, record, said, work, at, by)
            lost.append(_not_theirs())
    if lost:
        return Result(str(once), "kept", _("Kept as a note.") + " " + " ".join(dict.fromkeys(lost)))
    return Result(str(once), "sent")


def _not_theirs() -> str:
    return _("The report is no longer yours.")


def _case(typed: str) -> int:
    found = cases.Case.objects.filter(type=REPORT.name, code=codes.read(typed)).values_list("pk", flat=True).first()
    if found is None:
        raise cases.Refused(_("No report has the code %(code)s. Check it letter by letter.") % {"code": typed})
    return found


def _note(case: int, record: Mapping[str, Any], words: str, once: uuid.UUID, at: datetime | None, by: Actor) -> None:
    cases.reply(case, words, by=_keeper(case, record, by), public=False, client_id=once, at=at)


def _keeper(case: int, record: Mapping[str, Any], by: Actor) -> Actor:
    """Whoever was given the report for the day may still leave a note and photos in its history; nothing else."""
    if not _holds(record.get("slip"), case, by):
        return by
    return Actor(account=by.account, name=by.name, staff=True, system=True)


def _report(record: Mapping[str, Any], once: uuid.UUID, by: Actor) -> Result:
    chosen = topic(str(record.get("topic", "")))
    if chosen is None:
        raise cases.Refused(_("This category is closed. Choose another one."))
    words = str(record.get("words") or "")[:4000]
    if not words.strip():
        raise cases.Refused(_("Write something first."))
    point = (float(record["lon"]), float(record["lat"])) if record.get("lon") not in (None, "") else None
    if point and not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
        raise cases.Outside
    zone = int(record["zone"]) if record.get("zone") else None
    if point is None and zone is None:
        raise cases.Refused(_("Say where it is: your position, or a district."))
    asked = cases.Asked(
        type=REPORT.name, topic=chosen, text=words, place=str(record.get("place") or ""), zone=zone,
        lon=point[0] if point else None, lat=point[1] if point else None, channel="field", client_id=once,
    )  # fmt: skip
    # An inspector who sees something is not its reporter: nobody is to be told of it.
    opener = Actor(account=by.account, name=by.name, staff=by.staff, grants=by.grants, teams=by.teams)
    case, _new = cases.open_case(asked, by=opener)
    return Result(str(once), "sent", code=case.code)


def add_photo(about: Mapping[str, Any], data: bytes, *, by: Actor) -> Result:
    """One photo: of a visit (case, moment "before" or "after"), or of a report seen on the way (report: its id)."""
    typed = str(about.get("id", ""))
    try:
        once = uuid.UUID(typed)
        if about.get("report"):
            case = (
                cases.Case.objects.filter(type=REPORT.name, client_id=uuid.UUID(str(about["report"])))
                .values_list("pk", flat=True)
                .first()
            )
            if case is None:
                return Result(typed, "waiting", _("Its report has not come yet."))
            cases.add_photo(case, data, by=by, client_id=once)
            return Result(typed, "sent")
        case, when = _case(str(about.get("case", ""))), str(about.get("moment", ""))
        if when not in (cases.Photo.Moment.BEFORE, cases.Photo.Moment.AFTER):
            raise cases.Refused(_("Say whether the photo shows it before or after the work."))
        try:
            cases.add_photo(case, data, by=by, moment=when, client_id=once)
        except Denied:
            cases.add_photo(case, data, by=_keeper(case, about, by), moment=when, client_id=once)
            return Result(typed, "kept", _not_theirs())
        return Result(typed, "sent")
    except (cases.Refused, cases.BadPhoto) as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not work on this report."))
    except ValueError:
        return Result(typed, "refused", _("This photo came without its number. Take it again."))


def moment(typed: object) -> datetime | None:
    """When it was done, by the telephone's clock; None when that cannot be true."""
    try:
        found = parse_datetime(str(typed or ""))
    except ValueError:
        return None
    return found if found and found.tzinfo and found <= timezone.now() + timedelta(minutes=5) else None
