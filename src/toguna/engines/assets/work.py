"""Work orders, upkeep plans, spare parts and papers that end."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, Sum
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.assets.actions import MANAGE, USE, Refused, locked, turn
from toguna.engines.assets.events import OrderClosed, OrderOpened
from toguna.engines.assets.models import Asset, Paper, Part, PartMove, UpkeepPlan, WorkOrder
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.kernel import access, audit, events, text
from toguna.kernel.access import SYSTEM, Actor

State, Source = WorkOrder.State, WorkOrder.Source
BEFORE = (30, 7, 1, 0)  # days before a paper ends on which those who manage are told
LIVE = (State.OPEN, State.TAKEN)


# Orders


@transaction.atomic
def open_order(
    asset: int, title: str, *, by: Actor, words: str = "", stops: bool = False, source: str = Source.HAND, ref: str = "",
    client_id: uuid.UUID | None = None, plan: UpkeepPlan | None = None, at: datetime | None = None,
) -> WorkOrder:  # fmt: skip
    """Asks for work. stops: it is broken down from now on. The same client_id again is the same order. at: when, if it was before now. Raises
    Refused, Denied."""
    row = locked(asset)
    access.require(by, USE, zone=row.zone_id)
    if client_id and (before := _before(row, client_id)) is not None:
        return before
    if row.state == Asset.State.RETIRED:
        raise Refused(_("It is retired: nothing is repaired on it any more."))
    said = text.clean(title).replace("\n", " ")[:160]
    if not said:
        raise Refused(_("Say what is to be done."))
    order = WorkOrder.objects.create(
        asset=row, title=said, words=text.clean(words)[:2000], stops=stops, source=source, ref=ref[:60], account=by.account,
        client_id=client_id or uuid.uuid4(), plan=plan, opened=at or timezone.now(),
    )  # fmt: skip
    if stops:
        turn(row, Asset.State.BROKEN, said, by=by, source=source, ref=ref, at=at)
    audit.record(by, "assets.order", f"assets.order:{order.pk}", source=source, stops=stops)
    events.publish(OrderOpened(order.pk, row.pk, source, ref))
    return order


def _before(asset: Asset, client_id: uuid.UUID) -> WorkOrder | None:
    """What was opened, or answered, when the same was said before."""
    return (
        WorkOrder.objects.filter(client_id=client_id).first()
        or WorkOrder.objects.filter(asset=asset, repeats__contains=[client_id]).first()
    )


def say_broken(
    asset: int, words: str, *, by: Actor, client_id: uuid.UUID, source: str = Source.DRIVER, ref: str = "", at: datetime | None = None
) -> WorkOrder:  # fmt: skip
    """Whoever drives or uses it says that it goes no farther. While work that stops it is open, that work is the answer, and stays it
    when the same is sent again later; also what has repaired it since, where it was said before (at) and only heard now. Raises Refused,
    Denied."""
    with transaction.atomic():
        row = locked(asset)
        access.require(by, USE, zone=row.zone_id)
        if (before := _before(row, client_id)) is not None:
            return before
        stopping = WorkOrder.objects.filter(asset=row, stops=True).order_by("pk")
        stands = row.state in (Asset.State.BROKEN, Asset.State.UPKEEP)
        there = stopping.filter(state__in=LIVE).first() if stands else None
        if there is None and at is not None:
            there = stopping.filter(state=State.DONE, closed__gt=at).first()
        if there is not None:
            there.repeats.append(client_id)
            there.save(update_fields=["repeats"])
            return there
        return open_order(
            asset, words or _("Broken down"), by=by, stops=True, source=source, ref=ref, client_id=client_id, at=at
        )


def _order(pk: int, by: Actor) -> tuple[WorkOrder, Asset]:
    """Locked, the equipment first: the order in which all verbs lock."""
    asset = WorkOrder.objects.values_list("asset", flat=True).get(pk=pk)
    row = locked(asset)
    access.require(by, USE, zone=row.zone_id)
    return WorkOrder.objects.select_for_update().get(pk=pk), row


def _since(one: WorkOrder, at: datetime | None) -> datetime:
    """The moment of what happens to an order: not before what happened to it last."""
    return max(at or timezone.now(), one.taken or one.opened)


@transaction.atomic
def take(order: int, *, by: Actor, at: datetime | None = None) -> WorkOrder:
    """Somebody begins. What was broken is in upkeep. Said again, later than that it is done too, nothing changes. at: when, if it was before
    now. Raises Refused, Denied."""
    one, row = _order(order, by)
    if one.state in (State.TAKEN, State.DONE) and one.taken_by == by.account:
        return one
    if one.state != State.OPEN:
        raise Refused(_("Somebody has taken this work, or it is finished."))
    one.state, one.taken, one.taken_by = State.TAKEN, _since(one, at), by.account
    one.save(update_fields=["state", "taken", "taken_by"])
    if row.state == Asset.State.BROKEN and one.stops:
        turn(row, Asset.State.UPKEEP, one.title, by=by, at=at)
    audit.record(by, "assets.take", f"assets.order:{one.pk}")
    return one


@transaction.atomic
def finish(
    order: int, *, by: Actor, minutes: int = 0, other: int = 0, words: str = "", parts: Sequence[tuple[str, int]] = (),
    at: datetime | None = None,
) -> WorkOrder:  # fmt: skip
    """The work is done: minutes of labour, what else was paid, parts used (code, how many). The equipment serves again when no other work
    stops it; its plan begins anew. at: when, if it was before now. Done again, nothing changes. Raises Refused, Denied."""
    one, row = _order(order, by)
    if one.state == State.DONE:
        return one
    if one.state == State.CANCELLED:
        raise Refused(_("This work was given up. Open another order."))
    if not 0 <= minutes <= 60_000 or not 0 <= other <= 10**12:
        raise Refused(_("Check the minutes and the cost."))
    for number, (code, many) in enumerate(parts):
        part = Part.objects.filter(code=code).first()
        if part is None:
            raise Refused(_("No part has the code %(code)s.") % {"code": code})
        move(part.pk, "out", many, order=one, by=by, client_id=uuid.uuid5(one.client_id, f"part{number}"))
    spent = one.moves.aggregate(all=Sum(F("change") * F("price")))["all"] or 0
    one.state, one.closed, one.minutes, one.other, one.parts = State.DONE, _since(one, at), minutes, other, -spent
    one.done_words = text.clean(words)[:2000]
    one.save()
    if one.plan_id:
        UpkeepPlan.objects.filter(pk=one.plan_id).update(
            last_day=timezone.localdate(one.closed), last_metres=row.metres, last_minutes=row.minutes
        )
    _serves_again(row, one, by)
    audit.record(by, "assets.finish", f"assets.order:{one.pk}", minutes=minutes, cost=one.cost)
    events.publish(OrderClosed(one.pk, row.pk, one.state, one.source, one.ref))
    return one


@transaction.atomic
def cancel(order: int, why: str, *, by: Actor) -> WorkOrder:
    """The work will not be done. Raises Refused, Denied."""
    one, row = _order(order, by)
    access.require(by, MANAGE, zone=row.zone_id)
    if one.state == State.CANCELLED:
        return one
    if one.state == State.DONE:
        raise Refused(_("This work is done."))
    one.state, one.closed, one.done_words = State.CANCELLED, timezone.now(), text.clean(why)[:2000]
    one.save(update_fields=["state", "closed", "done_words"])
    if one.plan_id:  # else the plan would ask for it again tomorrow
        UpkeepPlan.objects.filter(pk=one.plan_id).update(
            last_day=timezone.localdate(), last_metres=row.metres, last_minutes=row.minutes
        )
    _serves_again(row, one, by)
    audit.record(by, "assets.cancel", f"assets.order:{one.pk}")
    events.publish(OrderClosed(one.pk, row.pk, one.state, one.source, one.ref))
    return one


def _serves_again(row: Asset, one: WorkOrder, by: Actor) -> None:
    stood = one.stops and row.state in (Asset.State.BROKEN, Asset.State.UPKEEP)
    if stood and not WorkOrder.objects.filter(asset=row, stops=True, state__in=LIVE).exclude(pk=one.pk).exists():
        turn(row, Asset.State.SERVICE, one.title, by=by, source=one.source, ref=one.ref, at=one.closed)


# Plans


@transaction.atomic
def save_plan(
    asset: int, title: str, *, days: int | None = None, km: int | None = None, hours: int | None = None, by: Actor
) -> UpkeepPlan:
    """What is done again, counted from now. Raises Refused, Denied."""
    row = locked(asset)
    access.require(by, MANAGE, zone=row.zone_id)
    said = text.clean(title)[:120]
    if not said:
        raise Refused(_("Say what is to be done."))
    if not (days or km or hours):
        raise Refused(_("Say every how many days, kilometres or hours."))
    plan = UpkeepPlan.objects.create(
        asset=row, title=said, every_days=days or None, every_km=km or None, every_hours=hours or None,
        last_day=timezone.localdate(), last_metres=row.metres, last_minutes=row.minutes,
    )  # fmt: skip
    audit.record(by, "assets.plan", f"assets.plan:{plan.pk}")
    return plan


@transaction.atomic
def end_plan(plan: int, *, by: Actor) -> None:
    row = UpkeepPlan.objects.select_for_update().get(pk=plan)
    access.require(by, MANAGE, zone=Asset.objects.values_list("zone", flat=True).get(pk=row.asset_id))
    row.active = False
    row.save(update_fields=["active"])
    audit.record(by, "assets.end_plan", f"assets.plan:{row.pk}")


def due_plans() -> list[UpkeepPlan]:
    """Those whose day, km or hours have come and for which no work is open. One statement."""
    today = timezone.localdate()
    return [
        plan
        for plan in UpkeepPlan.objects.filter(active=True)
        .exclude(asset__state=Asset.State.RETIRED)
        .exclude(orders__state__in=LIVE)
        .filter(
            Q(asset__metres__gte=F("last_metres") + F("every_km") * 1000)
            | Q(asset__minutes__gte=F("last_minutes") + F("every_hours") * 60)
            | Q(every_days__isnull=False)
        )
        .select_related("asset")
        .order_by("pk")
        if came(plan, plan.asset, today)
    ]


def came(plan: UpkeepPlan, asset: Asset, today: date) -> bool:
    return bool(
        (plan.every_days and plan.last_day + timedelta(days=plan.every_days) <= today)
        or (plan.every_km and asset.metres >= plan.last_metres + plan.every_km * 1000)
        or (plan.every_hours and asset.minutes >= plan.last_minutes + plan.every_hours * 60)
    )


def run_plans() -> int:
    """Opens the work of plans that are due; one at a time, so that one that fails stops no other. How many. A Periodic."""
    done = 0
    for plan in due_plans():
        try:
            with transaction.atomic():
                open_order(plan.asset_id, plan.title, by=SYSTEM, source=Source.PLAN, plan=plan)
                done += 1
        except IntegrityError:  # another worker was first
            continue
    return done


# Parts


@transaction.atomic
def save_part(code: str, name: str, *, measure: str = "", place: str = "", low: int = 0, by: Actor) -> Part:
    """Makes or renames a part. Raises Refused, Denied."""
    access.require(by, MANAGE)
    code = text.clean(code).upper().replace(" ", "")[:30]
    said = text.clean(name)[:120]
    if not code or not said:
        raise Refused(_("Give a code and a name."))
    row, _made = Part.objects.update_or_create(
        code=code, defaults={"name": said, "measure": text.clean(measure)[:20], "place": text.clean(place)[:80], "low": low}
    )  # fmt: skip
    audit.record(by, "assets.part", f"assets.part:{row.pk}")
    return row


@transaction.atomic
def move(
    part: int, kind: str, many: int, *, by: Actor, client_id: uuid.UUID, price: int | None = None, order: WorkOrder | None = None
) -> PartMove:  # fmt: skip
    """Parts come in, go out, or are counted (many: what is there). Nothing goes out that is not there. Again with the same client_id,
    nothing moves. price: of one that comes in. Raises Refused, Denied."""
    access.require(by, USE, anywhere=True)
    if kind == PartMove.Kind.COUNT:
        access.require(by, MANAGE)
    row = Part.objects.select_for_update().get(pk=part)
    if before := PartMove.objects.filter(client_id=client_id).first():
        return before
    if kind not in PartMove.Kind.values or not (0 if kind == "count" else 1) <= many <= 1_000_000:
        raise Refused(_("Say how many, in figures."))
    change = many if kind == "in" else -many if kind == "out" else many - row.stock
    if row.stock + change < 0:
        raise Refused(_("Only %(n)d of %(part)s are in the store.") % {"n": row.stock, "part": row.name})
    row.stock += change
    if kind == "in" and price is not None:
        row.price = price
    row.save(update_fields=["stock", "price"])
    made = PartMove.objects.create(
        part=row, client_id=client_id, kind=kind, change=change, after=row.stock, price=row.price, order=order, account=by.account
    )  # fmt: skip
    audit.record(by, "assets.move", f"assets.part:{row.pk}", kind=kind, change=change)
    return made


def low_parts() -> list[Part]:
    return list(Part.objects.filter(low__gt=0, stock__lte=F("low")))


# Papers


@transaction.atomic
def save_paper(
    asset: int, kind: str, ends: date, number: str = "", *, by: Actor, client_id: uuid.UUID | None = None
) -> Paper:
    """A paper that ends on that day; it takes the place of the one of its kind (of "other": of the same number). Raises Refused, Denied."""
    row = locked(asset)
    access.require(by, MANAGE, zone=row.zone_id)
    if client_id and (before := Paper.objects.filter(client_id=client_id).first()):
        return before
    if kind not in Paper.Kind.values:
        raise Refused(_("Say which document it is."))
    said = text.clean(number)[:80]
    old = Paper.objects.filter(asset=row, kind=kind, renewed=False)
    (old.filter(number=said) if kind == Paper.Kind.OTHER else old).update(renewed=True)
    paper = Paper.objects.create(asset=row, kind=kind, number=said, ends=ends, client_id=client_id or uuid.uuid4())
    audit.record(by, "assets.paper", f"assets.paper:{paper.pk}", kind=kind)
    return paper


def untold(paper: Paper, today: date) -> list[int]:
    """The days before its end that have come and on which nobody was told."""
    left = max(0, (paper.ends - today).days)
    return [day for day in BEFORE if left <= day and day not in paper.told]


def tell_due() -> int:
    """Tells those who manage what ends in a month, in a week, tomorrow, today: one message a day for each of them, with what is in their
    reach. What was missed (the server was off, nobody could be told) is said late, once; until then the desk says that nobody was told.
    How many papers were told. A Periodic."""
    today = timezone.localdate()
    with transaction.atomic():
        found = Paper.objects.select_for_update(of=("self",), skip_locked=True).filter(
            renewed=False, ends__lte=today + timedelta(days=BEFORE[0])
        )
        rows = found.exclude(asset__state=Asset.State.RETIRED).select_related("asset").order_by("ends", "pk")
        due = [paper for paper in rows if untold(paper, today)]
        told: set[int] = set()
        for account in people.staff_with(MANAGE) if due else ():
            way, actor = people.reach_staff(account), people.authority(account.pk)
            mine = [p for p in due if access.can(actor, MANAGE, zone=p.asset.zone_id)]
            if way is not None and mine:
                _tell(account, way, mine, today)
                told.update(p.pk for p in mine)
        for paper in due:
            if paper.pk in told:
                paper.told = [*paper.told, *untold(paper, today)]
                paper.save(update_fields=["told"])
        return len(told)


def _tell(account: people.Account, way: people.Reach, papers: Sequence[Paper], today: date) -> None:
    with translation.override(way.language):
        lines = [
            f"- {one.asset} ({one.asset.code}): {one.get_kind_display()}, {formats.date_format(one.ends, 'j F Y')}"
            for one in papers
        ]
        where = settings.TOGUNA_URL + reverse("desk-asset-due")
        body = "\n".join([_("These documents of equipment end soon or have ended:"), "", *lines, "", where])
        if way.medium != "email":
            body = _("Documents of equipment that end: %(n)d. %(url)s") % {"n": len(papers), "url": where}
        # The papers are part of the key: what is added in the evening is told too.
        marks = "-".join(str(one.pk) for one in papers)[:60]
        channels.send(
            way.medium, way.address, key=f"assets:due:{account.pk}:{today}:{marks}", text=body, subject=_("Documents of equipment that end"),
            language=way.language,
        )  # fmt: skip
