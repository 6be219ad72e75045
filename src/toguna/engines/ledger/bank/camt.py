"""CAMT.053, the statement of ISO 20022 (versions 02 to 08 and later, which differ in what we do not read).

Only booked entries count (BOOK): what is pending (PDNG) may never come. An entry of several transactions is taken apart when
the amounts of these add up to it, else it is one line. Amounts are decimals with a point, of the currency that stands beside
them; CdtDbtInd says which way they go.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from toguna.engines.ledger.bank.port import LARGEST, MOST, BadStatement, Line, Statement
from toguna.kernel import money
from toguna.kernel.heavy import Heavy

etree = Heavy("lxml.etree")


def read(raw: bytes) -> list[Statement]:
    """The statements of a file. Raises BadStatement."""
    if len(raw) > LARGEST:
        raise BadStatement(_("The file is too large: ask the bank for a statement of fewer days."))
    # No entities, no network, no external DTD: the file comes from outside.
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise BadStatement(_("This is no XML that can be read: %(why)s") % {"why": str(error)[:200]}) from error
    if root.getroottree().docinfo.doctype:
        raise BadStatement(_("The file declares a document type, which no statement of a bank does."))
    for element in root.iter():  # the namespace names the version: what we read is alike in all of them
        if isinstance(element.tag, str):
            element.tag = etree.QName(element).localname
    found = root.findall("./BkToCstmrStmt/Stmt")
    if not found:
        raise BadStatement(
            _("This is no CAMT.053: it has no BkToCstmrStmt/Stmt. Ask the bank for the statement of the day.")
        )
    return [_statement(one) for one in found]


def _statement(one: Any) -> Statement:
    account = _text(one, "Acct/Id/IBAN") or _text(one, "Acct/Id/Othr/Id")
    identity = _text(one, "Id")
    if not account or not identity:
        raise BadStatement(_("A statement lacks its number (Id) or its account (Acct/Id)."))
    balances = {_text(b, "Tp/CdOrPrtry/Cd"): b for b in one.findall("Bal")}
    opening = balances.get("OPBD", balances.get("PRCD"))
    closing = balances.get("CLBD")
    currency = _text(one, "Acct/Ccy") or next((a.get("Ccy", "") for a in one.iterfind("Bal/Amt")), "")
    if not currency:
        currency = next((a.get("Ccy", "") for a in one.iterfind("Ntry/Amt")), "")
    lines: list[Line] = []
    for n, entry in enumerate(one.findall("Ntry"), 1):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if status == "BOOK":
            lines += _entry(entry, n, identity, currency)
    if len(lines) > MOST:
        raise BadStatement(_("The file has more than %(most)s lines: bring it day by day.") % {"most": MOST})
    days = [line.day for line in lines] + [d for b in (opening, closing) if b is not None and (d := _day(b, "Dt"))]
    bounds = [_day(one, "FrToDt/FrDtTm"), _day(one, "FrToDt/ToDtTm")]
    made = _day(one, "CreDtTm") or (max(days) if days else None)
    if made is None:
        raise BadStatement(_("The statement %(number)s says of no day.") % {"number": identity})
    return Statement(
        identity=identity[:80],
        account=account[:40],
        currency=currency,
        since=bounds[0] or min(days, default=made),
        until=bounds[1] or max(days, default=made),
        opening=_signed(opening, currency) if opening is not None else None,
        closing=_signed(closing, currency) if closing is not None else None,
        lines=tuple(lines),
    )


def _entry(entry: Any, n: int, identity: str, currency: str) -> Iterator[Line]:
    whole = _signed(entry, currency)
    day = _day(entry, "BookgDt") or _day(entry, "ValDt")
    if day is None:
        raise BadStatement(_("Entry %(n)d of the statement has no day (BookgDt).") % {"n": n})
    reversal = _text(entry, "RvslInd") == "true"
    back = -1 if whole < 0 else 1
    details = entry.findall("NtryDtls/TxDtls")
    parts = []
    for detail in details:
        amount = detail.find("Amt") if detail.find("Amt") is not None else detail.find("AmtDtls/TxAmt/Amt")
        if amount is None or amount.get("Ccy", currency) != currency:
            break
        way = _text(detail, "CdtDbtInd")
        sign = back if not way else -1 if way == "DBIT" else 1
        parts.append(sign * _minor(amount, currency))
    apart = len(details) > 1 and len(parts) == len(details) and sum(parts) == whole
    own = _text(entry, "AcctSvcrRef")
    if not own:
        # The bank's own reference is missing: NtryRef, which many count from 1 in each statement, else its place there, names it.
        where = identity if len(identity) < 40 else hashlib.sha256(identity.encode()).hexdigest()[:40]
        own = f"{where}/{_text(entry, 'NtryRef')[:35] or n}"
    said = _text(entry, "AddtlNtryInf")
    if not apart:
        yield _line(own, day, whole, currency, details[0] if len(details) == 1 else None, said, reversal=reversal)
        return
    seen: set[str] = set()
    for place, (detail, amount) in enumerate(zip(details, parts, strict=True), 1):
        named = _text(detail, "Refs/AcctSvcrRef") or f"{own}/{place}"
        if named in seen or named == own:
            named = f"{own}/{place}"
        seen.add(named)
        yield _line(named, day, amount, currency, detail, said, reversal=reversal)


def _line(own: str, day: date, amount: int, currency: str, detail: Any, said: str, *, reversal: bool) -> Line:
    reference = party = words = ""
    if detail is not None:
        structured = _text(detail, "RmtInf/Strd/CdtrRefInf/Ref")
        free = " ".join(_clean(one.text) for one in detail.findall("RmtInf/Ustrd"))
        end = _text(detail, "Refs/EndToEndId")
        reference = structured or free or (end if end != "NOTPROVIDED" else "")
        who = "Dbtr" if amount > 0 else "Cdtr"  # since version 8 there is a Pty between
        party = _text(detail, f"RltdPties/{who}/Nm") or _text(detail, f"RltdPties/{who}/Pty/Nm")
        words = " ".join(
            part for part in (free if free != reference else "", said, end) if part and part != "NOTPROVIDED"
        )
    return Line(own[:80], day, amount, currency, reference[:200], (words or said)[:300], party[:140], reversal)


def _clean(said: str | None) -> str:
    return " ".join((said or "").split())


def _text(element: Any, path: str) -> str:
    return _clean(element.findtext(path))


def _day(element: Any, path: str) -> date | None:
    """A Dt, a DtTm, or the text of the element itself, day first."""
    for one in (f"{path}/Dt", f"{path}/DtTm", path):
        said = _text(element, one)[:10]
        if said:
            try:
                return date.fromisoformat(said)
            except ValueError as error:
                raise BadStatement(_("“%(said)s” is no day.") % {"said": said}) from error
    return None


def _minor(amount: Any, currency: str) -> int:
    said = _clean(amount.text)
    try:
        value = Decimal(said).scaleb(money.exponent(currency))
    except InvalidOperation as error:
        raise BadStatement(_("“%(said)s” is no amount.") % {"said": said[:40]}) from error
    if value != value.to_integral_value() or not 0 <= value < 10**17:
        raise BadStatement(_("“%(said)s” is no amount of %(currency)s.") % {"said": said[:40], "currency": currency})
    return int(value)


def _signed(element: Any, currency: str) -> int:
    """The Amt of a balance or an entry, below zero when CdtDbtInd says DBIT."""
    amount = element.find("Amt")
    way = _text(element, "CdtDbtInd")
    if amount is None or way not in ("CRDT", "DBIT"):
        raise BadStatement(_("An amount of the statement lacks its sign (CdtDbtInd)."))
    if amount.get("Ccy", currency) != currency:
        raise BadStatement(
            _("The statement mixes %(one)s and %(other)s.") % {"one": currency, "other": amount.get("Ccy")}
        )
    return _minor(amount, currency) * (-1 if way == "DBIT" else 1)
