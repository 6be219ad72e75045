"""Does the bank say what our book says, and if not, why?"""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db.models import Sum
from django.utils.translation import gettext as _

from toguna.engines.ledger.desks import cashbook
from toguna.engines.ledger.models.bank import Bank, BankLine, BankStatement
from toguna.engines.ledger.models.desks import Voucher
from toguna.kernel import money


@dataclass(frozen=True)
class Report:
    """opening + moved = closing, or `why` says what is not as it should be. Minor units."""

    statement: BankStatement
    opening: int | None
    moved: int
    closing: int | None
    book: int
    why: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        return not self.why


def report(statement: BankStatement) -> Report:
    """One statement against itself, the one before it, and the book."""
    bank = statement.bank
    own = statement.lines.aggregate(total=Sum("amount"))["total"] or 0

    def shown(amount: int) -> str:
        return money.shown(amount, bank.currency)

    why = []
    opening, closing = statement.opening, statement.closing
    if opening is None or closing is None:
        why.append(_("The file does not say the balance before and after: its lines alone could be compared."))
    elif opening + own != closing:
        why.append(
            _(
                "%(opening)s before and %(moved)s of movements make %(sum)s, the bank says %(closing)s: lines are missing, or were in another statement (%(gap)s)."
            )
            % {
                "opening": shown(opening),
                "moved": shown(own),
                "sum": shown(opening + own),
                "closing": shown(closing),
                "gap": shown(closing - opening - own),
            }
        )
    earlier = (
        BankStatement.objects.filter(bank=bank, until__lte=statement.since, closing__isnull=False)
        .exclude(pk=statement.pk)
        .order_by("-until", "-pk")
        .first()
    )
    if earlier and earlier.closing is not None and opening is not None and earlier.closing != opening:
        why.append(
            _(
                "The statement before (%(day)s) ended with %(before)s, this one begins with %(opening)s: a statement between them is missing."
            )
            % {"day": earlier.until.isoformat(), "before": shown(earlier.closing), "opening": shown(opening)}
        )
    book = cashbook.at_bank_on(bank, statement.until)
    if closing is not None and book != closing:
        first = BankStatement.objects.filter(bank=bank, opening__isnull=False).order_by("since", "pk").first()
        start = first.opening if first and first.opening is not None else 0
        if start and book + start == closing:
            why.append(
                _(
                    "The book lacks the %(amount)s that were on the account before the first statement: post them as its opening."
                )
                % {"amount": shown(start)}
            )
        else:
            why.append(
                _("The book has %(book)s on this account at the end of that day, the bank %(closing)s.")
                % {"book": shown(book), "closing": shown(closing)}
            )
    waiting = statement.lines.filter(state=BankLine.State.SUSPENSE)
    if number := waiting.count():
        total = waiting.aggregate(total=Sum("amount"))["total"] or 0
        why.append(
            _("%(number)d lines, %(amount)s in all, wait in suspense to be resolved.")
            % {"number": number, "amount": shown(total)}
        )
    return Report(statement, opening, own, closing, book, why)


def on_the_way(currency: str) -> list[Voucher]:
    """Cash that left the safe and no statement has shown yet, the oldest first."""
    return list(
        Voucher.objects.filter(kind=Voucher.Kind.DEPOSIT, bank_line=None, currency=currency).order_by("at")[:100]
    )


def banks() -> list[Bank]:
    return list(Bank.objects.all())
