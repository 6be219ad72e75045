"""A receipt of one payment as PDF: A6, with its signed QR, accents, and the amount in words.

Method: one process; five receipts first, for fonts and libraries; then 100, each of another number, from `Slip` and signature to bytes. CPU of
the process, threads included, a receipt. The rival writes the same words and the same QR with fpdf2, as its manual does, without the town's fonts. Target: under
15 ms.
"""

from __future__ import annotations

from bench import Result, _ledger

COUNT, TARGET = 100, 15.0
_BEGIN = """
import io, resource, sys
from django.utils import timezone, translation
from toguna.engines.ledger.receipts import paper, signing
count = int(sys.argv[1])
translation.activate("fr")
def slip(n):
    number = f"G1-2026-{n:06d}"
    facts = signing.Facts(number, timezone.localdate(), 15500 + n, "XOF", "A… K…")
    address = f"https://ville.example/receipt/{number}"
    return paper.Slip(title="Reçu", number=number, at=timezone.now(), amount=15500 + n, currency="XOF", qr=f"{address}?s={signing.signed(facts)}", address=address,
        facts=[("Payé par", "Aïssatou Koné"), ("Moyen de paiement", "Espèces"), ("Caisse", "Guichet 1")], lines=[("K7M2PQRSTA Étal 12, novembre", 15500 + n)])
def cpu():
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
def measured(draw):
    for n in range(5): assert draw(slip(n)).startswith(b"%PDF")
    begun = cpu()
    for n in range(count): draw(slip(n + 5))
    print((cpu() - begun) / count * 1000)
"""
_OURS = "measured(lambda one: paper.pdf(one, 'a6'))"
_THEIRS = """
import segno
from fpdf import FPDF
def draw(one):
    page = FPDF(format=(105, 148))
    page.add_page()
    page.set_font("helvetica", size=9)
    rows = [one.title + " " + one.number, *(f"{label}: {said}" for label, said in one.all_facts()), *(words for words, _amount in one.lines), one.total(), one.spelled(), one.address]
    for row in rows:
        page.cell(0, 5, row.replace("\\u202f", " ").replace("\u2019", "'").encode("latin-1", "replace").decode("latin-1"), new_x="LMARGIN", new_y="NEXT")
    code = io.BytesIO()
    segno.make(one.qr, error="l", mask=3, micro=False, boost_error=False).save(code, kind="png", scale=3)
    page.image(code, w=40)
    return bytes(page.output())
measured(draw)
"""


def run() -> Result:
    database = _ledger.ready()
    try:
        ours = float(_ledger.call(_BEGIN + _OURS, str(COUNT)))
        theirs = float(_ledger.call(_BEGIN + _THEIRS, str(COUNT)))
    finally:
        database.stop()
    met = "met" if ours < TARGET else "missed"
    return Result(
        "receipt-pdf",
        "ms",
        ours,
        theirs,
        "fpdf2",
        theirs / ours,
        f"CPU of one receipt, signature included; target {TARGET} ms, {met}",
    )
