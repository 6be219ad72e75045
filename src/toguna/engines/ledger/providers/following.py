"""What became of a payment: the provider is asked, as often as it makes sense, and its answer is what is true.

A callback only brings the question forward. What comes after its time is taken all the same; what is not as it was asked goes to
suspense; and one payment of the provider's enters the book once, whoever tells of it, and how often.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.ledger.models.providers import PaymentRequest
from toguna.engines.ledger.providers import asking, booking, http, records, ways
from toguna.engines.ledger.providers.asking import ATTEMPTS, State
from toguna.engines.ledger.providers.events import PaymentAnswered
from toguna.engines.ledger.providers.port import NotSent, Refused, Status, Unknown
from toguna.engines.ledger.providers.port import State as Said
from toguna.kernel import events, tasks

FIRST, SLOWEST = 5, 300  # seconds
# After the payer's time is over: providers' queues have paid after a day.
AFTER = (timedelta(minutes=10), timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=3))
OPEN = (State.SENDING, State.PENDING)


def pump() -> None:
    """Queues a job for each request about which something is due. What was claimed by a process that died comes again."""
    tasks.defer_many(follow_job, tasks.Lane.TRANSACTIONAL, [{"request": pk} for pk in asking.due(timezone.now())])


@tasks.task
def follow_job(request: int) -> None:
    follow(request)


def hinted(row: PaymentRequest) -> None:
    """Somebody says that something has happened: it is asked for, now or as soon as the sending has ended."""
    PaymentRequest.objects.filter(pk=row.pk).update(hinted=True)
    tasks.defer(follow_job, request=row.pk)


def follow(request: int, now: datetime | None = None) -> PaymentRequest:
    """Does the next thing about a request: sends it, or asks for its state. Idempotent; a call of its own."""
    now = now or timezone.now()
    row = PaymentRequest.objects.select_related("back_of").get(pk=request)
    if row.state == State.NEW and not row.arrived:
        asking.send(request, now)
        row.refresh_from_db()
        return row
    if row.state in PaymentRequest.PAID or (row.busy_until and row.busy_until > now):
        return row  # it is done; or it is being sent, and asked for right after
    said: list[http.Exchange] = []
    found: Status | None = None
    trouble = ""
    try:
        way = ways.find(row.way)
        with http.recorded() as said:
            ask = way.provider.refunded if row.back_of_id else way.provider.status
            if ask is None or way.provider.how == "transfer":
                return row
            found = ask(asking.asked(row, way), way.given)
    except (Unknown, NotSent, Refused, ways.Unset) as error:
        trouble = str(error)
    with transaction.atomic():
        kept = PaymentRequest.objects.select_for_update().get(pk=request)
        if kept.state in PaymentRequest.PAID:
            return kept
        if said and (
            found is None or found.state is not Said.PENDING
        ):  # "still waiting", said twenty times, is no evidence
            records.keep(way, kept, said)
        again = _answered(kept, way.provider.repeatable or way.provider.how == "link", found, now) if found else False
        if found is None:
            kept.trouble = trouble[:300]
            if kept.state != State.FAILED:
                _wait(kept, now)
        kept.hinted = False
        kept.save()
    if again:
        asking.send(request, now)
        kept.refresh_from_db()
    return kept


def _answered(row: PaymentRequest, harmless: bool, found: Status, now: datetime) -> bool:
    """Applies what the provider says to a row that is held. harmless: a second sending charges nobody twice. True when it is to
    be sent again."""
    if row.state == State.SENDING and found.begun is not None:
        asking.begin(row, found.begun, now)
    row.trouble = found.words[:300] if found.state is not Said.PENDING else ""
    match found.state:
        case Said.SUCCESS if row.back_of_id:
            booking.gone_back(row, found, now)
        case Said.SUCCESS:
            booking.paid(row, found, now)
        case Said.FAILED:
            _end(row, State.FAILED)
            row.next_poll = None
        case Said.EXPIRED:
            _end(row, State.EXPIRED)
            _wait(row, now)
        case Said.LOST if row.state == State.SENDING:
            if harmless and row.attempt < ATTEMPTS and now < row.expires:
                row.state, row.attempt, row.busy_until = State.NEW, row.attempt + 1, None
                return True
            # Of what goes back, one that we heard nothing of may have been done.
            if harmless and row.back_of_id is None:
                _end(row, State.FAILED)
                row.next_poll = None
            else:
                _wait(row, now)
        case _:
            _wait(row, now)
    return False


def _end(row: PaymentRequest, state: str) -> None:
    if row.state != state:
        row.state = state
        events.publish(PaymentAnswered(row.pk, row.code, state))


def _wait(row: PaymentRequest, now: datetime) -> None:
    """When it is asked for next: soon while the payer may confirm, then at a few moments of the three days after."""
    row.polls += 1
    if now < row.expires:
        pause = min(FIRST * 2 ** min(row.polls, 10), SLOWEST)
        row.next_poll = min(now + timedelta(seconds=pause), row.expires)
        return
    left = [row.expires + after for after in AFTER if row.expires + after > now]
    row.next_poll = left[0] if left else None
    if row.state in OPEN:
        # Sent, and never answered: we cannot say that nobody was charged.
        _end(row, State.UNKNOWN if row.state == State.SENDING else State.EXPIRED)


def said_to_payer(row: PaymentRequest) -> str:
    """One sentence on where it stands, in the language of whoever reads."""
    match row.state:
        case State.NEW | State.SENDING:
            return _("We are asking for the payment. This page reloads by itself.")
        case State.PENDING if row.arrived or not (row.phone or row.link):
            return _("The payment is awaited.")
        case State.PENDING if row.link:
            return _("Open the page of the operator to pay.")
        case State.PENDING:
            return _("Confirm the payment on your telephone, with your secret code. We never ask for this code.")
        case State.SUCCEEDED:
            return _("The payment has arrived. Thank you.")
        case State.SUSPENDED:
            return _("Money has arrived, but not as it was asked. An agent will sort it out: nothing is lost.")
        case State.FAILED:
            return _("The payment was not made. You were not charged. You can try again.")
        case State.EXPIRED:
            return _(
                "The payment was not confirmed in time. If you have paid all the same, do not pay again: it will be found within three days."
            )
        case _:
            return _(
                "We do not know yet what became of the payment. If your telephone says that you have paid, do not pay again: it will be found."
            )
