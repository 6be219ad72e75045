"""What people are told of a pick-up, each in their language, once: by SMS where it is a telephone. One message is one SMS."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.urls import reverse
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.channels import api as channels
from toguna.engines.ledger import api as ledger
from toguna.kernel import money, text, town
from toguna.services.waste import households
from toguna.services.waste.models import Household, PickUp, PickUpOffer, PreCollector, Subscription
from toguna.services.waste.orders import actions, matching
from toguna.services.waste.orders.events import MonthBilled, PickUpMoved, PreCollectorMoved
from toguna.services.waste.orders.money import asked_by_itself, part, ring, ringing_way, worth


def when(start: datetime, end: datetime) -> str:
    """ "Tue. 1 Dec 07:00-11:00", in the language of whoever reads."""
    local = timezone.localtime(start)
    return f"{formats.date_format(local, 'D j b')} {local:%H:%M}-{timezone.localtime(end):%H:%M}"


def many(row: PickUp, most: int = 60) -> str:
    """ "Household waste × 3": what is fetched, and how much, in so many letters and the number."""
    title = short(text.pick(row.kind.titles), most)
    return f"{title} × {row.size}" if row.kind.measure else title


def short(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 3].rstrip() + "..."


def path_of(row: PickUp) -> str:
    """The page of an order, for who ordered."""
    return f"{reverse('waste-pickup-page', args=[row.code])}?key={actions.key_of(row)}"


def address_of(row: PickUp) -> str:
    return f"{settings.TOGUNA_URL}{path_of(row)}"


def on_moved(event: PickUpMoved) -> None:
    """Reaction."""
    row = actions.by_id(event.pickup)
    about = PreCollector.objects.filter(pk=event.collector).first() if event.collector else None
    if row is None:
        return
    if (
        (
            event.what == "asked"
            and row.channel
            not in (
                "sms",
                "ussd",
                "subscription",
            )
        )
        or event.what in ("accepted", "done", "unserved", "settled", "photo")
        or (event.what == "cancelled" and row.steps.filter(what="cancelled", who="desk").exists())
    ):  # a telephone has its answer already
        _household(row, event.what)
    if event.what == "offered" and about is not None:
        _offered(row, about)
    elif event.what in ("accepted", "cancelled") and about is not None:
        _collector(row, about, event.what)
    if event.what in ("asked", "refused", "late", "back"):
        matching.offer_next(row.pk)
    if event.what == "done":
        ring(row.household, row.bill, key=row.code, language=row.language or town.current().languages[0])


# What is said of a move only while it holds: who accepted may have given back before this was read.
HOLDS = {
    "photo": PickUp.State.ACCEPTED,
    "accepted": PickUp.State.ACCEPTED,
    "unserved": PickUp.State.UNSERVED,
    "done": PickUp.State.DONE,
    "cancelled": PickUp.State.CANCELLED,
}


def _household(row: PickUp, what: str) -> None:
    address = row.household.address
    if not address or row.state != HOLDS.get(what, row.state):
        return
    language = row.language or row.household.language or town.current().languages[0]
    with translation.override(language):
        words = _to_household(row, what)
    medium, to = households.way(address)
    # Somebody who comes instead of another is told of; the same one is said once.
    key = f"waste:{row.pk}:{what}:{row.collector_id or 0}"
    channels.send(
        medium,
        to,
        key=key,
        text=words,
        subject=text.pick(row.kind.titles, language),
        language=language,
        person=row.household.person_id,
        private=row.secret if what == "accepted" else "",
    )


def _to_household(row: PickUp, what: str) -> str:
    values = {"code": row.code, "when": when(row.start, row.end), "secret": row.secret, "url": address_of(row)}
    if what == "asked":
        return _("Pick-up %(code)s: %(when)s. We tell you who comes. To follow it: %(url)s") % values
    if what == "accepted" and row.collector is not None:
        return _("%(name)s (%(phone)s) comes for pick-up %(code)s, %(when)s. When it is taken, say this code: %(secret)s") % {
            **values, "name": short(row.collector.name, 25), "phone": row.collector.phone,
        }  # fmt: skip
    if what == "photo" and row.collector is not None:
        return _("%(name)s says that pick-up %(code)s is taken, with a photo. Is it so? Send %(word)s, or: %(url)s") % {
            **values, "name": short(row.collector.name, 25), "word": _("PICKUP"),
        }  # fmt: skip
    if what == "unserved":
        return (
            _("Pick-up %(code)s: nobody is free for it yet. The town hall looks for somebody and tells you.") % values
        )
    if what == "settled":
        said = row.steps.filter(what="settled").order_by("-pk").values_list("words", flat=True).first()
        return _("Pick-up %(code)s, the town hall answers: %(words)s") % {**values, "words": said or ""}
    if what == "cancelled":
        return _("Pick-up %(code)s, %(when)s, is cancelled by the town hall. You owe nothing for it.") % values
    if row.bill is None or not row.bill.left:
        return _("Pick-up %(code)s is done. Are you content? Send RATE and a number from 1 to 5.") % values
    if ringing_way(row.household.address) is not None:  # who missed the ring makes it ring again
        words = _("Pick-up %(code)s is done: %(amount)s. To pay, send BILL %(bill)s. To rate it, send RATE and 1 to 5.")
    else:
        words = _("Pick-up %(code)s is done: %(amount)s, bill %(bill)s. Pay: %(url)s. Send RATE and 1 to 5.")
    return words % {
        **values, "amount": money.shown(row.bill.left, row.bill.currency, plain=True), "bill": row.bill.reference,
        "url": f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[row.bill.reference])}",
    }  # fmt: skip


def no_hour(row: Subscription, start: datetime) -> None:
    """A pick-up of a subscription that no hour of its day is left for: once for a day."""
    home = row.household
    language = home.language or town.current().languages[0]
    with translation.override(language):
        words = _("No hour is left for your weekly pick-up of %(day)s. Send %(word)s to choose another day, or call the town hall.") % {
            "day": formats.date_format(timezone.localtime(start), "D j b"), "word": _("PICKUP"),
        }  # fmt: skip
    medium, to = households.way(home.address)
    channels.send(
        medium, to, key=f"waste-sub:{row.pk}:{timezone.localdate(start)}", text=words, subject=text.pick(row.kind.titles, language),
        language=language, person=home.person_id,
    )  # fmt: skip


def _offered(row: PickUp, collector: PreCollector) -> None:
    if row.state != PickUp.State.OFFERED or row.collector_id != collector.pk:
        return
    language = collector.language or town.current().languages[0]
    offer = PickUpOffer.objects.filter(pickup=row, collector=collector).first()
    if offer is None:
        return
    with translation.override(language):
        said = _(
            "Job %(code)s: %(what)s, %(when)s, %(where)s. You earn %(amount)s. Accept before %(until)s: PRE %(code)s. Refuse: PRE NO %(code)s"
        )
        values = {
            "code": row.code, "when": when(row.start, row.end), "amount": money.shown(part(row.kind, collector, worth(row)), plain=True),
            "until": f"{timezone.localtime(offer.until):%H:%M}",
        }  # fmt: skip
        words = _in_one(said, values, row)
    channels.send("sms", collector.phone, key=f"waste-offer:{offer.pk}", text=words, language=language)


def _in_one(said: str, values: dict[str, str], row: PickUp) -> str:
    """Days, months and prices differ in length: where it is, then what is fetched, take the room that is left of one SMS."""
    words = ""
    for what, where in [*((18, n) for n in range(26, 7, -1)), *((n, 8) for n in range(17, 7, -1))]:
        words = said % (values | {"what": many(row, what), "where": short(row.where, where)})
        if channels.is_one_sms(words):
            break
    return words


def _collector(row: PickUp, collector: PreCollector, what: str) -> None:
    if row.state != HOLDS[what]:
        return
    language = collector.language or town.current().languages[0]
    with translation.override(language):
        values = {"code": row.code, "when": when(row.start, row.end), "phone": row.household.address}
        if what == "accepted":
            said = _(
                "Job %(code)s is yours: %(when)s, %(where)s, tel. %(phone)s. When taken, ask for their code and send: PRE %(code)s and the code"
            )
        else:
            said = _("Job %(code)s, %(when)s, is cancelled: do not go.")
        words = _in_one(said, values, row)
    channels.send(
        "sms", collector.phone, key=f"waste-job:{row.pk}:{what}:{collector.pk}", text=words, language=language
    )


def on_billed(event: MonthBilled) -> None:
    """Reaction: who subscribed hears what a month costs and how to pay it. Where it is asked for by itself, the order says so."""
    row = Subscription.objects.select_related("household", "kind").filter(pk=event.subscription).first()
    bill = ledger.Bill.objects.filter(pk=event.bill).first()
    if row is None or bill is None or not bill.left or not row.household.address or asked_by_itself(row.household):
        return
    home = row.household
    language = home.language or town.current().languages[0]
    with translation.override(language):
        values = {
            "what": f"{short(text.pick(row.kind.titles), 40)} {event.month}", "bill": bill.reference, "day": f"{bill.due:%d/%m}",
            "amount": money.shown(bill.left, bill.currency, plain=True), "url": f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[bill.reference])}",
        }  # fmt: skip
        if ringing_way(home.address) is not None:
            words = _("%(what)s: bill %(bill)s, before %(day)s. To pay, send: %(word)s %(amount)s, or: %(url)s") % {
                **values,
                "word": _("PAY"),
            }
        else:
            words = _("%(what)s: %(amount)s, bill %(bill)s, before %(day)s. Pay: %(url)s") % values
    medium, to = households.way(home.address)
    channels.send(
        medium, to, key=f"waste-month:{bill.pk}", text=words, subject=text.pick(row.kind.titles, language), language=language,
        person=home.person_id,
    )  # fmt: skip


LATE = timedelta(days=7)  # what has been late for longer is not news: it is the desk's


def remind(today: date | None = None) -> None:
    """Who is late hears it once for each bill, all that is late in one message; not who is asked by itself, nor of a pick-up that they
    complained of and that nobody has answered."""
    if channels.quiet_now(timezone.now()):
        return
    today = today or timezone.localdate()
    late = ledger.Bill.objects.filter(about_kind="waste", state="open", due__lt=today, due__gte=today - LATE)
    late = late.exclude(about__in=PickUp.objects.filter(complained__isnull=False, settled=None).values("code"))
    by_payer: dict[int, list[ledger.Bill]] = {}
    for bill in late.order_by("due", "pk"):
        by_payer.setdefault(bill.payer_id, []).append(bill)
    for home in Household.objects.filter(payer__in=by_payer).exclude(address=""):
        bills = by_payer[home.payer_id or 0]
        if asked_by_itself(home):
            continue
        language = home.language or town.current().languages[0]
        with translation.override(language):
            values = {
                "town": town.current().name, "amount": money.shown(sum(one.left for one in bills), bills[0].currency, plain=True),
                "bill": bills[0].reference, "word": _("PAY"), "url": f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[bills[0].reference])}",
            }  # fmt: skip
            words = (
                _(
                    "%(town)s: %(amount)s for waste is late, bill %(bill)s. To pay, send: %(word)s %(amount)s, or: %(url)s"
                )
                % values
            )
        medium, to = households.way(home.address)
        channels.send(
            medium, to, key=f"waste-late:{home.pk}:{max(one.pk for one in bills)}", text=words, subject=_("Waste"), language=language,
            person=home.person_id,
        )  # fmt: skip


def on_precollector(event: PreCollectorMoved) -> None:
    """Reaction: who asked to be registered hears what became of it."""
    row = PreCollector.objects.filter(pk=event.collector).first()
    if row is None or event.state not in ("active", "ended"):
        return
    language = row.language or town.current().languages[0]
    with translation.override(language):
        if event.state == "active":
            words = _(
                "%(town)s: you are registered as a pre-collector, number %(code)s. You get jobs by SMS. Send PRE for your jobs, earnings and rating."
            )
        else:
            words = _("%(town)s: you are no longer registered as a pre-collector. Questions: call the town hall.")
        words %= {"town": town.current().name, "code": row.code}
    channels.send(
        "sms",
        row.phone,
        key=f"waste-precollector:{row.pk}:{event.state}:{timezone.localdate()}",
        text=words,
        language=language,
    )


def on_paid(event: ledger.PaymentTaken) -> None:
    """Reaction: what was paid of a pick-up, a subscription or a weighing gets its receipt by SMS."""
    payment = ledger.Payment.objects.select_related("desk").filter(pk=event.payment).first()
    home = households.by_payer(event.payer) if event.payer else None
    if payment is None or home is None or not home.address:
        return
    bills = list(payment.shares.filter(bill__about_kind="waste").values_list("bill__reference", flat=True))
    if not bills:
        return
    language = home.language or town.current().languages[0]
    with translation.override(language):
        words = _("%(town)s: %(amount)s received for bill %(bill)s. Receipt %(receipt)s. Thank you.") % {
            "town": town.current().name, "amount": money.shown(payment.amount, payment.currency, plain=True), "bill": ", ".join(dict.fromkeys(bills)),
            "receipt": ledger.receipt_number(payment),
        }  # fmt: skip
    medium, to = households.way(home.address)
    channels.send(
        medium,
        to,
        key=ledger.told(payment.pk),
        text=words,
        subject=_("Receipt"),
        language=language,
        person=home.person_id,
    )
