"""What stands on a receipt: amounts in words, the signature in its QR, the bytes for printers."""

from __future__ import annotations

import base64
import dataclasses
import io
import json
import shutil
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pypdfium2
import pytest
import zxingcpp
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from toguna.engines.ledger.receipts import paper, signing, spelling

SLIP = paper.Slip(
    "Quittance",
    "C1-2026-000123",
    datetime(2026, 11, 23, 12, tzinfo=UTC),
    15000,
    "XOF",
    place="Régie des recettes",
    facts=[("Payé par", "Aïssatou N.")],
    lines=[("Taxe de marché, place 12 (novembre)", 12000), ("Pénalité", 3000)],
    qr="https://town.test/receipt/C1-2026-000123?s=T1.abc.def",
    address="https://town.test/receipt/C1-2026-000123",
)


@pytest.mark.parametrize(
    ("value", "currency", "language", "said"),
    [
        (0, "XOF", "fr", "zéro franc CFA"),
        (1, "XOF", "fr", "un franc CFA"),
        (71, "XOF", "fr", "soixante et onze francs CFA"),
        (80, "XOF", "fr", "quatre-vingts francs CFA"),
        (81, "XOF", "fr", "quatre-vingt-un francs CFA"),
        (80_000, "XOF", "fr", "quatre-vingt mille francs CFA"),
        (200_200, "XOF", "fr", "deux cent mille deux cents francs CFA"),
        (1_000_000, "XOF", "fr", "un million de francs CFA"),
        (1_000_500, "XOF", "fr", "un million cinq cents francs CFA"),
        (200_000_000, "XOF", "fr", "deux cents millions de francs CFA"),
        (2_000_000_00, "EUR", "fr", "deux millions d’euros"),
        (1050, "EUR", "fr", "dix euros et cinquante centimes"),
        (1500, "XOF", "pt", "mil e quinhentos francos CFA"),
        (1_000_000, "XOF", "pt", "um milhão de francos CFA"),
        (12_345, "XOF", "pt", "doze mil trezentos e quarenta e cinco francos CFA"),
        (101, "GHS", "en", "one cedi and one pesewa"),
        (112_300, "XOF", "en", "one hundred and twelve thousand three hundred CFA francs"),
        (150, "MAD", "fr", "un MAD 50"),
    ],
)
def test_amounts_are_said_as_people_say_them(value: int, currency: str, language: str, said: str) -> None:
    assert spelling.amount(value, currency, language) == said


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.sampled_from(["fr", "pt", "en"]))
def test_two_amounts_are_never_said_alike(one: int, other: int, language: str) -> None:
    assert (spelling.number(one, language) == spelling.number(other, language)) == (one == other)


FACTS = signing.Facts("C1-2026-000123", date(2026, 11, 23), 15000, "XOF", "A. Traoré")


def test_what_the_town_signed_is_heard_and_nothing_else() -> None:
    said = signing.signed(FACTS)
    assert signing.heard(said) == FACTS
    assert signing.heard(f"https://town.test/receipt/C1-2026-000123?s={said}") == FACTS
    mark, facts, signature = said.split(".")
    listed = json.loads(base64.urlsafe_b64decode(facts + "=="))
    listed[3] = 150000
    dearer = base64.urlsafe_b64encode(json.dumps(listed).encode()).rstrip(b"=").decode()
    other = signing.signed(dataclasses.replace(FACTS, amount=150000)).split(".")[2]
    for forged in (
        f"{mark}.{dearer}.{signature}",
        f"{mark}.{facts}.{other}",
        f"T2.{facts}.{signature}",
        f"{mark}.{facts}",
        f"{mark}.{facts}.",
        "",
        "é" * 900,
        "T1." + "W1" * 4000 + ".x",
    ):
        assert signing.heard(forged) is None
    assert signing.heard(said, {}) is None


@given(st.text(max_size=200), st.integers(0, 200))
def test_a_mangled_qr_is_never_heard(noise: str, place: int) -> None:
    said = signing.signed(FACTS)
    mangled = said[:place] + noise + said[place + len(noise) :]
    found = signing.heard(mangled)
    # What stands before the signed words (an address) does not count; of the words themselves nothing may change.
    assert found is None or (found == FACTS and mangled.strip().endswith(said))


def test_a_new_key_signs_and_the_old_one_still_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOGUNA_HOME", str(tmp_path))
    old = signing.signed(FACTS)
    signing.renew()
    new = signing.signed(FACTS)
    assert len(signing.public_keys()) == 2 and old.split(".")[1] != new.split(".")[1]
    assert signing.heard(old) == signing.heard(new) == FACTS


def test_the_browser_hears_what_we_hear() -> None:
    if not (node := shutil.which("node")):
        pytest.skip("node is not installed; the page's own test runs in a browser")
    script = Path(paper.__file__).parents[1] / "static" / "ledger" / "receipt.js"
    good = signing.signed(FACTS)
    bad = good[:-5] + ("AAAAA" if good[-5:] != "AAAAA" else "BBBBB")
    asked = json.dumps([[good, bad, "T1.x.y"], signing.public_keys()])
    code = (
        "globalThis.document={getElementById:()=>null};globalThis.window=globalThis;"
        f"const {{heard}}=await import('data:text/javascript;base64,{base64.b64encode(script.read_bytes()).decode()}');"
        f"const [said,keys]={asked};"
        "const out=[];for(const one of said)out.push(await heard(one,keys));console.log(JSON.stringify(out));"
    )
    ran = subprocess.run(
        [node, "--input-type=module", "-e", code], capture_output=True, text=True, check=True, timeout=60
    )
    first, *others = json.loads(ran.stdout)
    assert first == {
        "number": FACTS.number,
        "day": "2026-11-23",
        "amount": 15000,
        "currency": "XOF",
        "payer": FACTS.payer,
    }
    assert others == [None, None]


@pytest.mark.parametrize("size", paper.SIZES)
def test_the_same_receipt_on_every_paper(size: paper.Size) -> None:
    with override("fr"):
        made = pypdfium2.PdfDocument(paper.pdf(SLIP, size))
    assert len(made) == 1
    said = " ".join(made[0].get_textpage().get_text_range().split())
    for words in ("C1-2026-000123", "Quittance", "Pénalité", "Quinze mille francs CFA", "Aïssatou N."):
        assert words in said
    found = zxingcpp.read_barcode(made[0].render(scale=4).to_pil())
    assert found is not None and found.text == SLIP.qr


def test_duplicate_and_void_are_written_large() -> None:
    slip = dataclasses.replace(SLIP, copies=2, void="erreur de montant")
    with override("en"):
        said = pypdfium2.PdfDocument(paper.pdf(slip))[0].get_textpage().get_text_range()
        rolled = paper.letters(slip, "58").decode("cp1252", "replace")
    for words in ("DUPLICATE no. 2", "VOID: erreur de montant"):
        assert words in said and words in rolled.replace("\n", " ")


@pytest.mark.parametrize(("size", "dots"), [("58", 384), ("80", 576)])
def test_the_picture_fits_the_head_and_its_qr_is_read(
    size: paper.Size, dots: int, capsys: pytest.CaptureFixture[str]
) -> None:
    slip = dataclasses.replace(SLIP, facts=[("Payé par", "Ŋgom Ɓah Ọlá")])
    assert not paper.legible(slip) and paper.legible(SLIP)
    image = paper.picture(slip, size)
    assert image.size[0] == dots
    found = zxingcpp.read_barcode(image.convert("L"))
    assert found is not None and found.text == SLIP.qr
    raw = paper.raster(slip, size)
    assert printed(raw) == image.tobytes("raw", "1;I"), "the strips are the picture, dot by dot"
    assert capsys.readouterr().out == ""


def printed(raw: bytes) -> bytes:
    """The dots of all GS v 0 of a stream, one strip under the other."""
    out, at = io.BytesIO(), 0
    while (at := raw.find(b"\x1dv0\x00", at)) >= 0:
        wide, high = int.from_bytes(raw[at + 4 : at + 6], "little"), int.from_bytes(raw[at + 6 : at + 8], "little")
        out.write(raw[at + 8 : at + 8 + wide * high])
        at += 8 + wide * high
    return out.getvalue()


@pytest.mark.parametrize(("size", "width"), [("58", 32), ("80", 48)])
def test_letters_are_of_the_code_page_and_no_row_is_too_long(size: paper.Size, width: int) -> None:
    slip = dataclasses.replace(
        SLIP, facts=[("Payé par", "Ça œuvre à 5 € – Ẹniọla Ŋgom")], lines=[("mot" * 40, 7), ("x", 1)]
    )
    raw = paper.letters(slip, size)
    assert "Ça œuvre à 5 €".encode("cp1252") in raw.replace(b"\n", b" ") and b"Eniola" in raw and b"?gom" in raw
    assert b"\x1bt\x10" in raw and SLIP.qr.encode() in raw
    body = raw[raw.index(b"-" * width) : raw.rindex(b"-" * width)]
    assert max(map(len, body.split(b"\n"))) <= width
