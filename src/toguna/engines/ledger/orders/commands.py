"""AUTOPAY: a standing order by SMS or USSD, from the very telephone that pays; and its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.ledger.book import Refused
from toguna.engines.ledger.models import StandingOrder
from toguna.engines.ledger.orders import actions
from toguna.engines.ledger.providers import owed, ways
from toguna.kernel import limits, money
from toguna.kernel.access import SYSTEM

DAYS = (1, 5, 10, 15, 20, 25)


def _mine(said: Said) -> list[StandingOrder]:
    return list(actions.orders_at([said.address])[:4]) if said.address.startswith("+") else []


def _todo(said: Said) -> Sequence[Choice]:
    return [
        *(
            Choice(
                one.pk, _("Stop: %(amount)s on day %(day)d") % {"amount": money.shown(one.most, one.currency, plain=True), "day": one.day}
            )
            for one in _mine(said)
        ),
        Choice(0, _("Another one")),
    ]  # fmt: skip


def _begins(said: Said) -> bool:
    return not said.slots.get("what")


def _bill(said: Said, typed: str) -> str:
    if not said.address.startswith("+"):
        raise Stop(_("Send this from the telephone that pays."))
    try:
        limits.hit("ledger.order", said.address, at_most=20, per=timedelta(days=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from error
    found = owed.find(typed)
    if found is None:
        raise NotUnderstood(_("No bill has this reference."))
    return found.reference


def _guess(said: Said) -> str | None:
    found = owed.find(said.text) if said.text.strip() else None
    return found.reference if found is not None else None


def _ways(said: Said) -> Sequence[Choice]:
    bill = owed.find(said.slots.get("bill", ""))
    takers = ways.usable(bill.currency if bill else "")
    found = [Choice(way.slug, str(way.title)[:30]) for way in takers if way.provider.how != "transfer"]
    if not found:
        raise Stop(_("The town takes no payment by telephone or bank yet. Pay at the town hall or to a collector."))
    return found


def _one_way(said: Said) -> str | None:
    found = _ways(said)
    return str(found[0].value) if len(found) == 1 else None


def _days(_said: Said) -> Sequence[Choice]:
    return [Choice(day, str(day)) for day in DAYS]


def _most(said: Said, typed: str) -> int:
    bill = owed.find(said.slots["bill"])
    try:
        amount = money.read(typed, bill.currency if bill else "")
    except money.NotMoney:
        raise NotUnderstood(_("Write the amount in figures, for example 5000.")) from None
    if amount <= 0:
        raise NotUnderstood(_("Say an amount above 0."))
    return amount


def _run(said: Said) -> str:
    try:
        return _begin(said) if _begins(said) else _stop(said)
    except (Refused, ways.Unset) as error:
        raise Stop(str(error)) from error


def _begin(said: Said) -> str:
    bill = owed.find(said.slots["bill"])
    if bill is None:
        raise Stop(_("No bill has this reference."))
    # The telephone itself asks, and its owner confirms each payment by their own secret code.
    row = actions.subscribe(
        bill.payer_id, said.slots["way"], said.address, day=int(said.slots["day"]), most=int(said.slots["most"]),
        key=f"{said.medium}:{said.key}", by=SYSTEM, currency=bill.currency, language=said.language,
    )  # fmt: skip
    facts = {"day": row.day, "amount": money.shown(row.most, row.currency, plain=True), "word": _("AUTOPAY")}
    return (
        _(
            "Done. On day %(day)d of each month we ask this telephone for what falls due, up to %(amount)s. To stop: %(word)s."
        )
        % facts
    )


def _stop(said: Said) -> str:
    # Only what rings this very telephone is offered; that is looked at again.
    found = next((one for one in _mine(said) if one.pk == int(said.slots["what"])), None)
    if found is None:
        raise Stop(_("There is no such standing order."))
    actions.unsubscribe(found.pk, why="SMS", by=SYSTEM)
    return _("The standing order has ended. What was asked for before may still be confirmed.")


AUTOPAY = Command(
    name="autopay",
    title=gettext_lazy("automatic payment"),
    keywords={
        "fr": ("PRELEVEMENT", "AUTO"),
        "pt": ("DEBITO", "AUTOMATICO"),
        "en": ("AUTOPAY", "STANDING ORDER"),
    },
    example={"fr": "PRELEVEMENT K7M2PQRSTA", "pt": "DEBITO K7M2PQRSTA", "en": "AUTOPAY K7M2PQRSTA"},
    slots=(
        Slot("what", gettext_lazy("You have a standing order. What do you want?"), choices=_todo, when=lambda said: "bill" not in said.slots and bool(_mine(said))),
        Slot("bill", gettext_lazy("Reference of one of your bills?"), read=_bill, guess=_guess, when=_begins),
        Slot("way", gettext_lazy("How do you pay?"), choices=_ways, guess=_one_way, when=_begins),
        Slot("day", gettext_lazy("On which day of the month?"), choices=_days, when=_begins),
        Slot("most", gettext_lazy("How much at most in a month?"), read=_most, when=_begins),
    ),
    run=_run,
    order=75,
)  # fmt: skip
