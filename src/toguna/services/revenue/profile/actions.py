"""What a taxpayer may ask of the town about what they owe, and what the town answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.kernel import access, audit, codes, events, text, town
from toguna.kernel.access import Actor
from toguna.services.revenue.models import Objection, PlanWish, Taxed, Taxpayer
from toguna.services.revenue.profile.events import Contested, PlanAsked
from toguna.services.revenue.register import reads as register

ANSWER = "revenue.answer"
MOST_OPEN = 10  # objections of one taxpayer that wait
FEWEST, MOST = 2, 12  # parts of a plan


class Refused(Exception):
    """It cannot be done; str() says why, and what to do."""


@transaction.atomic
def contest(
    taxpayer: Taxpayer, reason: str, *, by: Actor, client_id: uuid.UUID, thing: Taxed | None = None, bill: ledger.Bill | None = None,
    channel: str = "",
) -> Objection:  # fmt: skip
    """They say that what is taxed, or a bill, is wrong: no reminder goes out for it until it is answered. The caller has checked that it
    is them. The same client_id again is the same objection. Raises Refused."""
    before = Objection.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    words = text.clean(reason)[:2000]
    if len(words) < 5:
        raise Refused(_("Say in a few words what is wrong."))
    if bill is not None and bill.payer_id not in register.payers_of(taxpayer):
        raise Refused(_("This bill is not yours."))
    if thing is None and bill is not None:
        thing = register.of_bill(bill)
    if thing is not None and not thing.parts.filter(taxpayer=taxpayer).exists() and bill is None:
        raise Refused(_("This is not taxed to you."))
    Taxpayer.objects.select_for_update().get(pk=taxpayer.pk)
    if taxpayer.objections.filter(state=Objection.State.OPEN).count() >= MOST_OPEN:
        raise Refused(_("The town still has to answer what you contested before."))
    try:
        with transaction.atomic():
            row = Objection.objects.create(
                code=codes.make(8),
                taxpayer=taxpayer,
                taxed=thing,
                bill=bill,
                reason=words,
                channel=channel[:10],
                client_id=client_id,
            )
    except IntegrityError:
        return Objection.objects.get(client_id=client_id)
    audit.record(by, "revenue.contest", f"revenue.objection:{row.pk}")
    events.publish(Contested(row.pk))
    return row


@transaction.atomic
def ask_plan(
    taxpayer: Taxpayer,
    bill: ledger.Bill,
    months: int,
    *,
    by: Actor,
    client_id: uuid.UUID,
    reason: str = "",
    channel: str = "",
) -> PlanWish:
    """They ask to pay a bill in parts, one a month. The same client_id again is the same wish. Raises Refused."""
    before = PlanWish.objects.filter(client_id=client_id).first()
    if before is not None:
        return before
    if bill.payer_id not in register.payers_of(taxpayer):
        raise Refused(_("This bill is not yours."))
    if not bill.left:
        raise Refused(_("Nothing is left to pay of this bill."))
    if not FEWEST <= months <= MOST:
        raise Refused(_("Choose from %(fewest)d to %(most)d parts.") % {"fewest": FEWEST, "most": MOST})
    try:
        with transaction.atomic():
            row = PlanWish.objects.create(
                taxpayer=taxpayer,
                bill=bill,
                months=months,
                reason=text.clean(reason)[:500],
                channel=channel[:10],
                client_id=client_id,
            )
    except IntegrityError as error:
        raise Refused(_("You have asked for a plan for this bill already: the town will answer.")) from error
    audit.record(by, "revenue.ask_plan", f"revenue.plan:{row.pk}", months=months)
    events.publish(PlanAsked(row.pk))
    return row


@transaction.atomic
def answer_objection(objection: int, *, agree: bool, words: str, by: Actor, take_back: bool = False) -> Objection:
    """The service says whether it agrees, with why, and the taxpayer is told. take_back: the bill is cancelled too. Answered again,
    nothing happens. Raises Refused, Denied."""
    row = Objection.objects.select_for_update(of=("self",)).select_related("taxpayer", "bill").get(pk=objection)
    access.require(by, ANSWER, zone=_zone(row), anywhere=_zone(row) is None)
    if row.state != Objection.State.OPEN:
        return row
    said = text.clean(words)[:500]
    if len(said) < 3:
        raise Refused(_("Say why, in words that the taxpayer can read."))
    row.state = Objection.State.AGREED if agree else Objection.State.REFUSED
    row.answer, row.decided, row.account = said, timezone.now(), by.account
    row.save()
    if agree and take_back and row.bill is not None:
        try:
            # Who answers for the service takes its bill back, without being of the cash desks.
            ledger.cancel(row.bill.pk, reason=said, by=by.as_town())
        except ledger.Refused as error:
            raise Refused(str(error)) from error
    audit.record(by, "revenue.answer_objection", f"revenue.objection:{row.pk}", agreed=agree, take_back=take_back)
    _tell(row.taxpayer, f"revenue-objection:{row.pk}", lambda: _("Your objection %(code)s: %(what)s. %(why)s") % {
        "code": row.code, "what": _("the town agrees") if agree else _("the town does not agree"), "why": said,
    })  # fmt: skip
    return row


def _zone(row: Objection) -> int | None:
    return row.taxed.zone_id if row.taxed else row.taxpayer.zone_id


@transaction.atomic
def answer_plan(wish: int, *, agree: bool, words: str = "", first: date | None = None, by: Actor) -> PlanWish:
    """The service agrees, and the ledger has the plan from `first` on (next month), or says why not. Answered again, nothing happens.
    Raises Refused, Denied."""
    row = PlanWish.objects.select_for_update(of=("self",)).select_related("taxpayer", "bill").get(pk=wish)
    access.require(by, ANSWER, zone=row.taxpayer.zone_id, anywhere=row.taxpayer.zone_id is None)
    if row.state != PlanWish.State.OPEN:
        return row
    said = text.clean(words)[:500]
    if not agree and len(said) < 3:
        raise Refused(_("Say why, in words that the taxpayer can read."))
    row.state = PlanWish.State.AGREED if agree else PlanWish.State.REFUSED
    row.answer, row.decided, row.account = said, timezone.now(), by.account
    row.save()
    if agree:
        begin = first or month_after(timezone.localdate(), 1)
        try:
            # Who answers for the service decides the plan, without being of the cash desks.
            ledger.plan(
                row.bill_id,
                [month_after(begin, n) for n in range(row.months)],
                by=by.as_town(),
            )
        except ledger.Refused as error:
            raise Refused(str(error)) from error
    audit.record(by, "revenue.answer_plan", f"revenue.plan:{row.pk}", agreed=agree)
    about = {"code": row.bill.reference, "n": row.months, "why": said}
    _tell(row.taxpayer, f"revenue-plan:{row.pk}", lambda: (
        _("Bill %(code)s: you may pay it in %(n)d parts, one a month. %(why)s") if agree
        else _("Bill %(code)s: the town does not agree to a plan. %(why)s")
    ) % about)  # fmt: skip
    return row


def month_after(day: date, months: int) -> date:
    """The same day of a later month, the 28th at the latest."""
    index = day.month - 1 + months
    return date(day.year + index // 12, index % 12 + 1, min(day.day, 28))


def _tell(taxpayer: Taxpayer, key: str, said: Callable[[], str]) -> None:
    """By SMS, else by e-mail, in their language."""
    language = taxpayer.language or town.current().languages[0]
    with translation.override(language):
        words = str(said()).strip()
        subject = _("Taxes and fees")
    if taxpayer.phone:
        channels.send("sms", taxpayer.phone, key=key, text=words, language=language, person=taxpayer.person_id)
    elif taxpayer.email:
        channels.send(
            "email", taxpayer.email, key=key, text=words, subject=subject, language=language, person=taxpayer.person_id
        )
