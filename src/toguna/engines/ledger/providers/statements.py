"""Settlement files: tables with a line of headings, in whatever order and with whatever separator a portal writes them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from toguna.engines.ledger.providers.port import BadFile, Settled, units
from toguna.kernel import text as words
from toguna.kernel import town

MOST = 200_000  # lines of a file
_FORMS = ("%d/%m/%Y %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y", "%Y%m%d%H%M%S", "%Y%m%d")


def lines(
    text: str, columns: Mapping[str, tuple[str, ...]], currency: str, *, success: tuple[str, ...] = ()
) -> Iterator[Settled]:
    """The payments in a table. columns: {transaction, reference, amount, currency, at, fee, words, status, out: the headings
    that it may have}; "transaction" and "amount" must be there. success: what its column "status" says of what was paid;
    other lines are passed over. Raises BadFile, which names the line."""
    head, _sep, _rest = text.lstrip("\ufeff").partition("\n")
    separator = max(",;\t|", key=head.count)
    table = csv.reader(io.StringIO(text.lstrip("\ufeff")), delimiter=separator)
    headings = [words.fold(cell) for cell in next(table, [])]
    found = {}
    for name, names in columns.items():
        place = next((headings.index(words.fold(one)) for one in names if words.fold(one) in headings), None)
        if place is not None:
            found[name] = place
    for name in ("transaction", "amount"):
        if name not in found:
            raise BadFile(
                _("The file has no column “%(name)s”: is it that of this provider?") % {"name": columns[name][0]}
            )
    for number, row in enumerate(table, 2):
        if not any(cell.strip() for cell in row):
            continue
        if number > MOST:
            raise BadFile(_("The file has more than %(most)s lines: bring it day by day.") % {"most": MOST})
        given = {name: row[place].strip() if place < len(row) else "" for name, place in found.items()}
        if success and "status" in given and given["status"].casefold() not in success:
            continue
        if not given["amount"] and not given.get("out"):
            continue
        code = given.get("currency", "").upper() or currency
        amount = _amount(given["amount"], code)
        if given.get("out") and not amount:
            gone = _amount(given["out"], code)
            amount = None if gone is None else -abs(gone)
        fee = _amount(given.get("fee", "") or "0", code)
        if amount is None or fee is None or not re.fullmatch(r"[A-Z]{3}", code):
            raise BadFile(_("Line %(line)s of the file has no amount that can be read.") % {"line": number})
        if not given["transaction"] or len(given["transaction"]) > 80:
            raise BadFile(_("Line %(line)s of the file has no number of its transaction.") % {"line": number})
        reference, said = given.get("reference", "")[:80], given.get("words", "")[:200]
        yield Settled(given["transaction"], reference, amount, code, _moment(given.get("at", "")), abs(fee), said)


def _amount(typed: str, currency: str) -> int | None:
    """ "1,500.00", "1 500", "10,50" behind a semicolon."""
    bare = re.sub(r"[\s\u202f\xa0]", "", typed)
    if re.fullmatch(r"-?\d+,\d{1,2}", bare):
        bare = bare.replace(",", ".")
    return units(bare or "0", currency)


def _moment(typed: str) -> datetime | None:
    zone = ZoneInfo(town.current().time_zone)
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        for form in _FORMS:
            try:
                found = datetime.strptime(typed, form)
                break
            except ValueError:
                continue
        else:
            return None
    return found if found.tzinfo else found.replace(tzinfo=zone)
