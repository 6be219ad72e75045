"""BALANCE, BALANCE DETAIL, PAY 5000, CONTEST, REGISTERED: a taxpayer's own affairs on any phone. What is answered goes to the telephone that the
register has for the taxpayer, whoever wrote. BALANCE and PAY are also for what other rooms ask of this telephone (`ledger.Owing`)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from textwrap import shorten

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.ledger import api as ledger
from toguna.kernel import codes, limits, money, text
from toguna.kernel.access import NOBODY
from toguna.services.revenue.models import Taxpayer
from toguna.services.revenue.profile import actions, reads
from toguna.services.revenue.register import account, numbers
from toguna.services.revenue.register import reads as register

_KEYS = uuid.UUID("5b7b6c2a-9d0a-4a0f-8f3b-6f2f4a6d1c11")
_NOBODY = gettext_lazy(
    "No taxpayer has this phone number. Give your number at the town hall, so that you can see your account here."
)


def _shown(amount: int) -> str:
    return money.shown(amount, plain=True)


def _known(said: Said) -> list[Taxpayer]:
    found = reads.at(said.address)
    if not found:
        raise Stop(str(_NOBODY))
    return found


def _who(said: Said) -> Sequence[Choice]:
    return [Choice(one.number, one.name[:30]) for one in _known(said)]


def _the_one(said: Said) -> str | None:
    found = _known(said)
    return found[0].number if len(found) == 1 else None


def _chosen(said: Said) -> Taxpayer:
    """Checked again: only a taxpayer of this very telephone."""
    found = {one.number: one for one in _known(said)}
    if (row := found.get(str(said.slots.get("who")))) is None:
        raise Stop(str(_NOBODY))
    return row


# --- BALANCE


def _owing(said: Said) -> list[reads.Owes]:
    """Whoever is asked for money on this telephone, those who owe first."""
    found = reads.owes(said.address)
    if not found:
        raise Stop(str(_NOBODY))
    return sorted(found, key=lambda one: one.left <= 0)


def _balance(said: Said) -> str:
    lines, owing = [], _owing(said)[:3]
    for one in owing:
        if one.left <= 0 or not one.bills:
            lines.append(_("%(name)s: nothing to pay.") % {"name": one.name[:30]})
            continue
        first = one.bills[0]
        lines.append(
            _("%(name)s: %(left)s to pay. Oldest: %(bill)s, %(amount)s.")
            % {"name": one.name[:30], "left": _shown(one.left), "bill": first.reference, "amount": _shown(first.left)}
        )
    if any(one.bills for one in owing):
        lines.append(_("To pay: send %(word)s and the amount.") % {"word": _("PAY")})
    return "\n".join(lines)


BALANCE = Command(
    name="tax-balance",
    title=gettext_lazy("what I owe"),
    keywords={
        "fr": ("SOLDE", "IMPOT", "IMPOTS", "TAXES"),
        "pt": ("SALDO", "IMPOSTO", "IMPOSTOS"),
        "en": ("BALANCE", "TAX"),
    },
    example={"fr": "SOLDE", "pt": "SALDO", "en": "BALANCE"},
    run=_balance,
    order=50,
)


# --- BALANCE DETAIL

_THINGS, _PAYMENTS = 2, 2  # that one answer has room for


def _why(one: account.Explained) -> str:
    facts = {
        "what": " ".join(part for part in (text.pick(one.thing.base.titles), one.thing.words[:30]) if part)[:60],
        "measures": ", ".join(f"{title} = {value}" for title, value in one.measures) or one.thing.code,
        "total": _shown(one.total or 0), "law": shorten(one.law, 40, placeholder="..."),
    }  # fmt: skip
    if one.total is None:
        return _("%(what)s, %(measures)s") % facts
    if account.by_the_day(one.thing.base):
        said = _("%(what)s, %(measures)s: %(total)s a day") % facts
    else:
        said = _("%(what)s, %(measures)s: %(total)s a year") % facts
    return " ".join(part for part in (said, f"({facts['law']})" if facts["law"] else "") if part)


def _detail(said: Said) -> str:
    """What is taxed and why, and what was paid last."""
    row = _chosen(said)
    things = account.explained(list(register.taxed_of(row)))
    left = register.balance(row).left
    lines = [_("%(name)s: %(left)s to pay.") % {"name": row.name[:30], "left": _shown(max(left, 0))}]
    lines += [_why(one) for one in things[:_THINGS]]
    if len(things) > _THINGS:
        lines.append(_("And %(n)d more, at the town hall or on the web.") % {"n": len(things) - _THINGS})
    paid = [
        _("%(amount)s on %(day)s")
        % {"amount": _shown(one.payment.amount), "day": date_format(timezone.localdate(one.payment.at), "SHORT_DATE_FORMAT")}
        for one in account.payments(row, _PAYMENTS)
        if not one.payment.void
    ]  # fmt: skip
    lines.append(_("Paid last: %(payments)s.") % {"payments": ", ".join(paid)} if paid else _("Nothing was paid yet."))
    return "\n".join(lines)


DETAIL = Command(
    name="tax-detail",
    title=gettext_lazy("what I am taxed for, and why"),
    keywords={
        "fr": ("SOLDE DETAIL", "SOLDE DETAILS", "IMPOT DETAIL", "IMPOTS DETAIL"),
        "pt": ("SALDO DETALHE", "SALDO DETALHES", "IMPOSTO DETALHE"),
        "en": ("BALANCE DETAIL", "BALANCE DETAILS", "TAX DETAIL"),
    },
    example={"fr": "SOLDE DETAIL", "pt": "SALDO DETALHE", "en": "BALANCE DETAIL"},
    slots=(Slot("who", gettext_lazy("For whom?"), choices=_who, guess=_the_one),),
    run=_detail,
    menu=False,
    order=50,
)


# --- PAY


def _amount(said: Said, typed: str) -> int:
    try:
        found = money.read(typed)
    except money.NotMoney as error:
        raise NotUnderstood(_("Send the amount alone, such as 5000.")) from error
    if found <= 0:
        raise NotUnderstood(_("Send the amount alone, such as 5000."))
    return found


def _amount_said(said: Said) -> int | None:
    try:
        return _amount(said, said.text) if any(c.isdigit() for c in said.text) else None
    except NotUnderstood:
        return None


def _ways(said: Said) -> list[ledger.Way]:
    return ledger.ringing_ways(said.address)


def _way_choices(said: Said) -> Sequence[Choice]:
    return [Choice(way.slug, str(way.title)[:30]) for way in _ways(said)]


def _only_way(said: Said) -> str | None:
    offered = _ways(said)
    named = [way.slug for way in offered if text.fold(str(way.title)).split()[0] in text.fold(said.text).split()]
    return named[0] if len(named) == 1 else offered[0].slug if len(offered) == 1 else None


def _asks_way(said: Said) -> bool:
    return bool(_ways(said))


def _of_whom(said: Said) -> Sequence[Choice]:
    return [Choice(one.key, one.name[:30]) for one in _owing(said)[:4]]


def _the_only(said: Said) -> str | None:
    """Nobody is asked for whom where one alone owes."""
    found = _owing(said)
    owing = [one for one in found if one.left > 0 and one.bills] or found
    return owing[0].key if len(owing) == 1 else None


def _pay(said: Said) -> str:
    # Checked again: only who owes with this very telephone.
    one, amount = (
        next((one for one in _owing(said) if one.key == said.slots.get("who")), None),
        int(said.slots["amount"]),
    )
    if one is None:
        raise Stop(str(_NOBODY))
    bills = reads.paid_first(one.bills, amount) if one.bills else []
    if not bills:
        raise Stop(_("%(name)s: nothing to pay.") % {"name": one.name[:30]})
    way = str(said.slots.get("way") or "")
    if not way:
        address = f"{settings.TOGUNA_URL}{reverse('pay-bill', args=[bills[0].reference])}"
        return _("Pay bill %(bill)s at the town hall, or here: %(address)s") % {
            "bill": bills[0].reference,
            "address": address,
        }
    try:
        asked = ledger.ask_payment(
            way,
            amount,
            bills=[one.pk for one in bills],
            phone=said.address,
            by=NOBODY,
            client_id=uuid.uuid5(_KEYS, said.key),
        )
    except (ledger.Unaskable, ledger.Unset, limits.TooMany) as error:
        raise Stop(str(error)) from error
    return _("%(amount)s for bill %(bill)s: confirm on your phone with your secret code. Number of the payment: %(code)s.") % {
        "amount": _shown(amount), "bill": bills[0].reference, "code": asked.code,
    }  # fmt: skip


PAY = Command(
    name="tax-pay",
    title=gettext_lazy("pay what I owe"),
    keywords={"fr": ("PAYER", "PAIEMENT"), "pt": ("PAGAR", "PAGAMENTO"), "en": ("PAY", "PAYMENT")},
    example={"fr": "PAYER 5000", "pt": "PAGAR 5000", "en": "PAY 5000"},
    slots=(
        Slot("who", gettext_lazy("For whom?"), choices=_of_whom, guess=_the_only),
        Slot("amount", gettext_lazy("How much do you pay?"), read=_amount, guess=_amount_said),
        Slot("way", gettext_lazy("With what?"), choices=_way_choices, guess=_only_way, when=_asks_way),
    ),
    run=_pay,
    order=51,
)


# --- CONTEST


def _abouts(said: Said) -> Sequence[Choice]:
    row = _chosen(said)
    found = [
        Choice(f"bill:{one.reference}", f"{one.reference} {_shown(one.left)}"[:40]) for one in reads.open_bills(row)[:3]
    ]
    found += [
        Choice(f"thing:{one.code}", " ".join([text.pick(one.base.titles, said.language), one.words])[:34])
        for one in register.taxed_of(row)[:3]
    ]
    if not found:
        raise Stop(_("%(name)s: nothing to pay.") % {"name": row.name[:30]})
    return found


def _reason(said: Said, typed: str) -> str:
    words = text.clean(typed)
    if len(words) < 5:
        raise NotUnderstood(_("Say in a few words what is wrong."))
    return words[:1000]


def _contest(said: Said) -> str:
    row = _chosen(said)
    kind, _colon, code = str(said.slots["about"]).partition(":")
    bill = next((one for one in reads.open_bills(row) if kind == "bill" and one.reference == code), None)
    thing = next((one for one in register.taxed_of(row) if kind == "thing" and one.code == code), None)
    try:
        limits.hit("revenue.contest", said.address, at_most=10, per=timedelta(days=1))
        made = actions.contest(
            row,
            said.slots["reason"],
            by=NOBODY,
            client_id=uuid.uuid5(_KEYS, f"contest {said.key}"),
            thing=thing,
            bill=bill,
            channel=said.medium,
        )
    except (actions.Refused, limits.TooMany) as error:
        raise Stop(str(error)) from error
    return _("The town has it, number %(code)s. Nothing is asked of you for it until it is answered.") % {
        "code": made.code
    }


CONTEST = Command(
    name="tax-contest",
    title=gettext_lazy("say that a tax is wrong"),
    keywords={"fr": ("CONTESTER", "CONTESTE"), "pt": ("CONTESTAR", "CONTESTO"), "en": ("CONTEST", "DISPUTE")},
    example={"fr": "CONTESTER", "pt": "CONTESTAR", "en": "CONTEST"},
    slots=(
        Slot("who", gettext_lazy("For whom?"), choices=_who, guess=_the_one),
        Slot("about", gettext_lazy("What is wrong?"), choices=_abouts),
        Slot("reason", gettext_lazy("Say what is wrong, and what would be right."), read=_reason),
    ),
    run=_contest,
    menu=False,
    order=52,
)


# --- REGISTERED


def _code(said: Said, typed: str) -> str:
    if len(codes.read(typed)) < 4 or len(typed) > 20:
        raise NotUnderstood(_("Send the number that stands on the plate or the paper."))
    return typed


def _code_said(said: Said) -> str | None:
    """A number of the register has a digit as a rule; one in ten has none, and is one word of the letters that codes are made of."""
    typed = said.text.strip().upper()
    if len(typed) in (numbers.TAXED, numbers.TAXPAYER) and set(typed) <= set(codes.ALPHABET):
        return said.text
    return said.text if 4 <= len(typed.replace(" ", "")) <= 12 and any(c.isdigit() for c in typed) else None


def _registered(said: Said) -> str:
    try:
        limits.hit("revenue.registered", said.address, at_most=30, per=timedelta(hours=1))
    except limits.TooMany as error:
        raise Stop(str(error)) from error
    typed = str(said.slots["code"])[:20]
    found = reads.registered(typed)
    if not found:
        return _("%(code)s is not in the register of the town.") % {"code": typed}
    one = found[0]
    about = ", ".join(part for part in (one.what, one.trade, one.district) if part)
    if one.gone:
        return _("%(code)s is no longer in the register: %(about)s.") % {"code": one.code, "about": about}
    return _("%(code)s is in the register: %(about)s, since %(year)s.") % {
        "code": one.code,
        "about": about or _("taxpayer"),
        "year": one.since,
    }


REGISTERED = Command(
    name="tax-registered",
    title=gettext_lazy("check that a trader is registered"),
    keywords={"fr": ("REGISTRE", "INSCRIT"), "pt": ("REGISTO", "REGISTADO"), "en": ("REGISTERED", "REGISTER")},
    example={"fr": "REGISTRE K7M4 XXA", "pt": "REGISTO K7M4 XXA", "en": "REGISTERED K7M4 XXA"},
    slots=(Slot("code", gettext_lazy("Which number stands on the plate or the paper?"), read=_code, guess=_code_said),),
    run=_registered,
    menu=False,
    order=126,
)
COMMANDS = (BALANCE, DETAIL, PAY, CONTEST, REGISTERED)
