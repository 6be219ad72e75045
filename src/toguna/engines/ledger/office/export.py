"""The book as files: journal and balance in CSV, by our codes or those of a public chart, and the accounting entries file (FEC) that
auditors' programs read. Streamed by a cursor of the server: a year of a large town costs no memory."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Literal

from django.db import connection
from django.utils import translation
from django.utils.translation import gettext as _

from toguna.engines.ledger.office import reads
from toguna.kernel import money, tables, text, town

Chart = Literal["own", "syscohada", "m14"]
CHARTS: tuple[Chart, ...] = ("own", "syscohada", "m14")
BATCH = 2000
# Of entries' kinds, the journal that accountants look for them in: sales, treasury, anything else.
_JOURNALS = {
    "bill": "VT",
    "-bill": "VT",
    "credit": "VT",
    "payment": "TR",
    "-payment": "TR",
    "refund": "TR",
    "-refund": "TR",
    "charge": "VT",
    "-charge": "VT",
    **dict.fromkeys(("cash-move", "outlay", "variance", "deposit", "bank", "waste-payout"), "TR"),
}

# An entry's number is its place in its year, as it was written: without gaps, and the same in every export of a closed year.
_LINES = """
SELECT n.number, e.day, e.at, e.kind, e.currency, e.about_kind, e.about, e.words, e.id, a.code, a.syscohada, a.m14, a.title,
    l.amount, l.payer_id, p.name, l.bill
FROM (
    SELECT id, row_number() OVER (PARTITION BY extract(year FROM day) ORDER BY id) AS number
    FROM ledger_entry WHERE day BETWEEN make_date(extract(year FROM %(since)s::date)::int, 1, 1) AND %(until)s
) n
JOIN ledger_entry e ON e.id = n.id AND e.day >= %(since)s
JOIN ledger_line l ON l.entry_id = e.id
JOIN ledger_account a ON a.id = l.account_id
LEFT JOIN ledger_payer p ON p.id = l.payer_id
ORDER BY extract(year FROM e.day), n.number, l.number
"""


def code(chart: Chart, own: str, syscohada: str, m14: str) -> str:
    """The account's number in a chart; ours where that has none."""
    return {"own": own, "syscohada": syscohada, "m14": m14}[chart] or own


def amount(minor: int, currency: str, mark: str = ".") -> str:
    """Exact, with the digits of the currency: "1500", "10.50"."""
    digits = money.exponent(currency)
    sign = "-" if minor < 0 else ""
    whole, part = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}{mark}{part:0{digits}}" if digits else f"{sign}{whole}"


def _rows(since: date, until: date) -> Iterator[Sequence[Any]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_LINES, {"since": since, "until": until})
        while found := cursor.fetchmany(BATCH):
            yield from found


def _written(rows: Iterator[Sequence[Any]], delimiter: str = ",") -> Iterator[bytes]:
    held = io.StringIO()
    held.write("\ufeff")  # so that spreadsheets see UTF-8
    writer = csv.writer(held, delimiter=delimiter, lineterminator="\r\n")
    for n, row in enumerate(rows, 1):
        writer.writerow(row)
        if n % BATCH == 0:
            yield held.getvalue().encode()
            held.seek(0)
            held.truncate()
    yield held.getvalue().encode()


def journal(since: date, until: date, chart: Chart) -> Iterator[bytes]:
    """A line for each line of the book."""

    def rows() -> Iterator[Sequence[Any]]:
        yield [
            _("Number"), _("Day"), _("Journal"), _("What"), _("Account"), _("Title"), _("Payer"), _("Piece"), _("Words"), _("Debit"),
            _("Credit"), _("Currency"),
        ]  # fmt: skip
        for (
            number,
            day,
            _at,
            kind,
            currency,
            _kind,
            about,
            words,
            _id,
            own,
            sysco,
            m14,
            title,
            minor,
            payer,
            name,
            _bill,
        ) in _rows(since, until):
            yield [
                number, day.isoformat(), _JOURNALS.get(kind, "OD"), reads.kind_words(kind), code(chart, own, sysco, m14),
                tables.safe(text.pick(_read(title))), tables.safe(name or (f"#{payer}" if payer else "")), about, tables.safe(words),
                amount(max(minor, 0), currency), amount(max(-minor, 0), currency), currency,
            ]  # fmt: skip

    return _written(rows())


def balance(since: date, until: date, chart: Chart) -> Iterator[bytes]:
    """The balance générale; accounts of ours that are one in a public chart are summed there."""
    found: dict[str, list[Any]] = {}
    titles: dict[str, list[str]] = {}
    for row in reads.balances(since, until):
        name = code(chart, row.account.code, row.account.syscohada, row.account.m14)
        titles.setdefault(name, []).append(text.pick(row.account.title))
        there = found.setdefault(name, ["", 0, 0, 0])
        there[1] += row.before
        there[2] += row.debit
        there[3] += row.credit
    for name, summed in titles.items():
        found[name][0] = " + ".join(dict.fromkeys(summed))[:200]  # of a sum, what it is made of
    unit = town.current().currency

    def rows() -> Iterator[Sequence[Any]]:
        yield [
            _("Account"), _("Title"), _("Debit before"), _("Credit before"), _("Debit"), _("Credit"), _("Debit after"), _("Credit after")
        ]  # fmt: skip
        for name, (title, before, debit, credit) in sorted(found.items()):
            after = before + debit - credit
            figures = (max(before, 0), max(-before, 0), debit, credit, max(after, 0), max(-after, 0))
            yield [name, tables.safe(title), *(amount(one, unit) for one in figures)]

    return _written(rows())


_FEC = (
    "JournalCode", "JournalLib", "EcritureNum", "EcritureDate", "CompteNum", "CompteLib", "CompAuxNum", "CompAuxLib", "PieceRef",
    "PieceDate", "EcritureLib", "Debit", "Credit", "EcritureLet", "DateLet", "ValidDate", "Montantdevise", "Idevise",
)  # fmt: skip
_TITLES = {"VT": "Ventes et impositions", "TR": "Trésorerie", "OD": "Opérations diverses"}


def fec(since: date, until: date, chart: Chart) -> Iterator[bytes]:
    """The eighteen columns of the FEC (order of 29 July 2013), between tabs, with a comma as decimal mark. Its words are French."""

    with translation.override("fr"):
        said = {kind: reads.kind_words(kind) for kind in reads.KINDS}

    def rows() -> Iterator[Sequence[Any]]:
        yield _FEC
        for (
            number,
            day,
            at,
            kind,
            currency,
            _kind,
            about,
            words,
            entry,
            own,
            sysco,
            m14,
            title,
            minor,
            payer,
            name,
            _bill,
        ) in _rows(since, until):
            journal = _JOURNALS.get(kind, "OD")
            yield [
                _plain(one)
                for one in (
                    journal, _TITLES[journal], number, f"{day:%Y%m%d}", code(chart, own, sysco, m14), text.pick(_read(title), "fr"),
                    payer or "", name or "", about or entry, f"{day:%Y%m%d}", words or said.get(kind, kind), amount(max(minor, 0), currency, ","),
                    amount(max(-minor, 0), currency, ","), "", "", f"{at:%Y%m%d}", "", "" if currency == town.current().currency else currency,
                )
            ]  # fmt: skip

    return (one.removeprefix(b"\xef\xbb\xbf") for one in _written(rows(), delimiter="\t"))


def _plain(value: Any) -> str:
    return " ".join(str(value).split()).replace('"', "'")


def _read(title: Any) -> dict[str, str]:
    """A title as a bare cursor gives it."""
    return json.loads(title) if isinstance(title, str) else title  # type: ignore[no-any-return]
