"""Statements of banks: CAMT.053 of several versions, and tables as each bank writes them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.ledger.bank import camt, table
from toguna.engines.ledger.bank.port import BadStatement


def entry(amount: str, way: str, ref: str, inner: str = "", status: str = "<Sts>BOOK</Sts>") -> str:
    return (
        f'<Ntry><Amt Ccy="XOF">{amount}</Amt><CdtDbtInd>{way}</CdtDbtInd>{status}'
        f"<BookgDt><Dt>2026-11-20</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef><NtryDtls>{inner}</NtryDtls></Ntry>"
    )


def statement(entries: str, opening: int = 1000, closing: int = 1000, version: str = "02") -> bytes:
    def balance(code: str, amount: int) -> str:
        return (
            f'<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="XOF">{abs(amount)}</Amt>'
            f"<CdtDbtInd>{'DBIT' if amount < 0 else 'CRDT'}</CdtDbtInd><Dt><Dt>2026-11-20</Dt></Dt></Bal>"
        )

    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}">'
        "<BkToCstmrStmt><GrpHdr><MsgId>m</MsgId></GrpHdr><Stmt><Id>S-77</Id><CreDtTm>2026-11-20T18:00:00</CreDtTm>"
        "<Acct><Id><IBAN>ML13ML0160120102600100668497</IBAN></Id><Ccy>XOF</Ccy></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{entries}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


@pytest.mark.parametrize(
    ("version", "pty", "status"), [("02", "", "<Sts>BOOK</Sts>"), ("08", "Pty", "<Sts><Cd>BOOK</Cd></Sts>")]
)
def test_versions_are_read_alike(version: str, pty: str, status: str) -> None:
    who = f"<Dbtr>{'<Pty>' if pty else ''}<Nm>Awa Koné</Nm>{'</Pty>' if pty else ''}</Dbtr>"
    inner = f"<TxDtls><RltdPties>{who}</RltdPties><RmtInf><Ustrd>Facture K7M4XX</Ustrd></RmtInf></TxDtls>"
    (one,) = camt.read(
        statement(
            entry("5000", "CRDT", "B1", inner, status) + entry("250.00", "DBIT", "B2", "", status), 1000, 5750, version
        )
    )
    assert (one.identity, one.account, one.currency) == ("S-77", "ML13ML0160120102600100668497", "XOF")
    assert [(line.bank_ref, line.amount) for line in one.lines] == [("B1", 5000), ("B2", -250)]
    assert one.lines[0].reference == "Facture K7M4XX" and one.lines[0].party == "Awa Koné"
    assert one.opening is not None and one.opening + one.moved == one.closing


def test_a_batch_is_taken_apart_only_when_its_parts_add_up() -> None:
    def part(amount: int) -> str:
        return f'<TxDtls><Refs><EndToEndId>E{amount}</EndToEndId></Refs><Amt Ccy="XOF">{amount}</Amt></TxDtls>'

    (one,) = camt.read(
        statement(entry("300", "CRDT", "B1", part(100) + part(200)) + entry("301", "CRDT", "B2", part(100) + part(200)))
    )
    assert [(line.bank_ref, line.amount, line.reference) for line in one.lines] == [
        ("B1/1", 100, "E100"),
        ("B1/2", 200, "E200"),
        ("B2", 301, ""),
    ]


def test_what_is_pending_does_not_count() -> None:
    (one,) = camt.read(statement(entry("5000", "CRDT", "B1", status="<Sts>PDNG</Sts>")))
    assert one.lines == ()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"hello",
        b"<Document/>",
        b'<!DOCTYPE a [<!ENTITY x "y">]><Document>&x;</Document>',
        statement(entry("12.34", "CRDT", "B1")),  # XOF has no cents
        statement(entry("-5", "CRDT", "B1")),
        statement(entry("5", "", "B1")),
        statement(entry("5", "CRDT", "B1").replace("2026-11-20", "soon")),
        statement(entry("5", "CRDT", "B1").replace('Ccy="XOF"', 'Ccy="EUR"')),
    ],
)
def test_what_is_no_statement_is_refused_in_words(raw: bytes) -> None:
    with pytest.raises(BadStatement) as caught:
        camt.read(raw)
    assert str(caught.value)


def test_a_table_as_a_bank_of_bamako_writes_it() -> None:
    raw = (
        "Date opération;Libellé;Débit;Crédit;Solde\r\n"
        "19/11/2026;VIR K7M4XX;;5 000;6 000\r\n"
        "20/11/2026;FRAIS;250;;5 750\r\n"
        ";Total;;;\r\n"
    ).encode("cp1252")
    one = table.read(raw, account="A", currency="XOF")
    assert [(line.day, line.amount, line.reference) for line in one.lines] == [
        (date(2026, 11, 19), 5000, "VIR K7M4XX"),
        (date(2026, 11, 20), -250, "FRAIS"),
    ]
    assert (one.opening, one.closing) == (1000, 5750)
    lines = raw.splitlines(keepends=True)
    back = table.read(b"".join([lines[0], lines[2], lines[1]]), account="A", currency="XOF")
    assert (back.opening, back.closing) == (1000, 5750), "the newest first is the same statement"
    assert {line.bank_ref for line in back.lines} == {line.bank_ref for line in one.lines}
    assert back.identity == one.identity


def test_two_payments_alike_of_one_day_are_two_and_stay_two() -> None:
    raw = b"date,amount,reference\n2026-11-20,500,A\n2026-11-20,500,A\n"
    first, again = (table.read(raw, account="A", currency="XOF") for _ in range(2))
    assert len({line.bank_ref for line in first.lines}) == 2 and first == again


def test_a_mapping_is_kept_for_what_nobody_guesses() -> None:
    raw = b"J;M;N\n03/04/2026;1.234,50;x\n"
    with pytest.raises(BadStatement, match="J, M, N"):
        table.read(raw, account="A", currency="GHS")
    one = table.read(
        raw, account="A", currency="GHS", mapping={"day": "J", "amount": "M", "bank_ref": "N"}, day_first=False
    )
    assert (one.lines[0].day, one.lines[0].amount, one.lines[0].bank_ref) == (date(2026, 3, 4), 123450, "x")


@given(st.lists(st.integers(-(10**12), 10**12).filter(bool), min_size=1, max_size=20), st.integers(-(10**12), 10**12))
def test_opening_and_movements_make_the_closing(amounts: list[int], opening: int) -> None:
    rows, balance = ["date;amount;balance"], opening
    for amount in amounts:
        balance += amount
        rows.append(f"2026-11-20;{amount};{balance}")
    one = table.read("\n".join(rows).encode(), account="A", currency="XOF")
    assert one.opening is not None and one.closing is not None
    assert one.opening + one.moved == one.closing and [line.amount for line in one.lines] == amounts


@given(st.binary(max_size=400))
def test_no_bytes_break_the_readers(raw: bytes) -> None:
    for read in (camt.read, lambda given: table.read(given, account="A", currency="XOF")):
        try:
            read(raw)
        except BadStatement:
            continue
