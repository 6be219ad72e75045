"""What a driver or a mechanic did without network, written when it gets here: each record once, whatever is sent again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import formats, timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from toguna.engines.assets import actions, fuel, reads, work
from toguna.engines.assets.actions import USE
from toguna.engines.assets.desk.forms import FinishForm, FuelForm, MeterForm
from toguna.engines.assets.desk.register import number, valid
from toguna.engines.assets.models import Asset, Part, WorkOrder
from toguna.kernel import access
from toguna.kernel.access import Actor, Denied

LATE = timedelta(days=30)  # a clock that says more than that is wrong
MOST_ASSETS, MOST_ORDERS, MOST_PARTS = 500, 200, 300


@dataclass(frozen=True)
class Result:
    """state: "sent", or "refused" with why: the telephone keeps it then; says: what to look at."""

    id: str
    state: str
    says: str = ""


def day(actor: Actor) -> dict[str, Any]:
    """What a telephone needs to work without network: the equipment in reach, the work that is open on it, the parts of the store. In
    three statements."""
    assets = reads.visible(actor, USE).exclude(state=Asset.State.RETIRED).order_by("name", "serial", "pk")[:MOST_ASSETS]
    orders = WorkOrder.objects.filter(asset__in=reads.visible(actor, USE), state__in=work.LIVE).select_related("asset")
    return {
        "assets": [
            {
                "code": row.code, "name": str(row), "state": row.state, "shown": str(row.get_state_display()), "km": row.km, "hours": row.hours,
                "burns": bool(row.tank) or row.kind in ("vehicle", "machine", "generator", "pump"),
            }
            for row in assets
        ],
        "orders": [
            {
                "order": one.pk, "code": one.asset.code, "title": one.title, "words": one.words, "state": one.state, "stops": one.stops,
                "mine": one.state == WorkOrder.State.TAKEN and one.taken_by == actor.account,
            }
            for one in orders.order_by("-stops", "opened")[:MOST_ORDERS]
        ],
        "parts": [[code, name] for code, name in Part.objects.filter(stock__gt=0).values_list("code", "name")[:MOST_PARTS]],
    }  # fmt: skip


def apply(record: Mapping[str, Any], *, by: Actor) -> Result:
    """One record: {"id", "at", "do": broken | fuel | meter | take | finish, "code", "order", ...the fields of the page's form}. Never
    raises for what is wrong with it."""
    typed = str(record.get("id", ""))
    try:
        once, row = uuid.UUID(typed), reads.by_code(str(record["code"])[:20])
        if row is None or not access.can(by, USE, zone=row.zone_id):
            return Result(typed, "refused", _("No equipment of yours has this code."))
        with transaction.atomic():
            return Result(typed, "sent", _apply(record, row, once, _moment(record), by))
    except actions.Refused as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not do this."))
    except (ValueError, TypeError, KeyError, OverflowError):
        return Result(typed, "refused", _("This record cannot be read."))


def _apply(record: Mapping[str, Any], row: Asset, once: uuid.UUID, at: datetime, by: Actor) -> str:
    given = {name: str(value)[:2000] for name, value in record.items() if value is not None}
    match record["do"]:
        case "broken":
            work.say_broken(row.pk, given.get("words", ""), by=by, client_id=once, at=at)
        case "fuel":
            given["litres"] = _figure(given.get("litres", ""))
            said = valid(FuelForm({**given, "client_id": once})).cleaned_data
            made = fuel.fill(
                row.pk, float(said["litres"]), km=said["km"], price=said["price"], full=said["full"], by=by, client_id=once, at=at,
                channel="app",
            )  # fmt: skip
            return _("Check: %(why)s.") % {"why": ", ".join(str(fuel.ODD[o]) for o in made.odd)} if made.odd else ""
        case "meter":
            said = valid(MeterForm(given)).cleaned_data
            actions.read_meter(row.pk, km=said["km"], hours=said["hours"], by=by, at=at)
        case "take" | "finish" as do:
            order = WorkOrder.objects.filter(pk=number(given.get("order", "")), asset=row).first()
            if order is None:
                raise actions.Refused(_("There is no such work."))
            if do == "take":
                work.take(order.pk, by=by, at=at)
            else:
                said = valid(FinishForm(given)).cleaned_data
                work.finish(
                    order.pk, by=by, minutes=said["minutes"], other=said["other"], words=said["words"], parts=said["parts"], at=at,
                )  # fmt: skip
        case _:
            raise ValueError("no such thing is done")
    return ""


def _figure(typed: str) -> str:
    """40,5 and 40.5 as the form of this language wants it: a telephone writes as its owner does."""
    try:
        return str(formats.localize_input(Decimal(typed.strip().replace(",", "."))))
    except ArithmeticError:
        return typed


def _moment(record: Mapping[str, Any]) -> datetime:
    """When it was done, as the telephone says, unless its clock is plainly wrong."""
    now = timezone.now()
    said = parse_datetime(str(record.get("at") or "")) or now
    said = said if timezone.is_aware(said) else timezone.make_aware(said)
    return said if now - LATE < said <= now else now
