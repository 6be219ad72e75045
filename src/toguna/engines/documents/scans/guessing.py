"""What a read paper is likely to be: its kind, day, reference, parties and amount, each with how sure and from which words.
Suggestions for the clerk who checks it: nothing is filed by them, and an amount is never posted."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from toguna.kernel.text import fold

MONTHS = {
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
    "en": "January February March April May June July August September October November December",
}
_MONTH = {fold(word): number for words in MONTHS.values() for number, word in enumerate(words.split(), 1)}
_WRITTEN = re.compile(r"\b(\d{1,2})(?:er|st|nd|rd|th|º)?\s+(?:de\s+)?([^\W\d_]{3,10})\s+(?:de\s+)?((?:19|20)\d{2})\b")
_DIGITS = re.compile(r"\b(\d{1,2})[/.\-](\d{1,2})[/.\-]((?:19|20)\d{2})\b")
_ISO = re.compile(r"\b((?:19|20)\d{2})-(\d{2})-(\d{2})\b")
_REFERENCE = re.compile(
    r"(?:\bn\s?[°ºo]|\bnum[ée]ro|\br[ée]f(?:[ée]rence)?|\bnumber|\bref)\s*[.:]?\s*((?=[\w/.\-]*\d)[A-Z0-9][\w/.\-]{1,30})",
    re.IGNORECASE,
)
_AMOUNT = re.compile(
    r"(\d{1,3}(?:[ .,\u00a0\u202f]\d{3})+|\d{3,12})(?:[.,](\d{2}))?\s*(F\s?CFA|FCFA|XOF|XAF|CFA|MT|MZN|AOA|Kz|CVE|GHS|NGN|EUR|€|francs?)",
    re.IGNORECASE,
)
_PARTY = re.compile(
    r"\b(?:M\.|Mr\.?|Mme|Mlle|Monsieur|Madame|Sr\.?|Sra\.?|Senhora?|Mrs\.?|Ms\.?|Soci[ée]t[ée]|Ets|Entreprise|Empresa)[ ]+((?:[A-ZÀ-Ý][\w’'\-]+[ ]?){1,4})"
)
_SIGNS_OF_DAY = ("fait a", "fait le", "feito em", "le ", "date", "em ", "done at", "dated")
# Words that say what a paper is, by kinds of the plan or of common sense; the title is shown when no kind of the plan fits.
SIGNS: dict[str, tuple[str, ...]] = {
    "invoice": ("facture", "fatura", "invoice", "montant ttc", "net a payer"),
    "receipt": ("recu", "quittance", "recibo", "receipt", "recu de"),
    "contract": ("contrat", "contrato", "contract", "bail", "convention", "entre les soussignes"),
    "deliberation": ("deliberation", "deliberacao", "le conseil municipal", "a assembleia municipal"),
    "by-law": ("arrete", "le maire arrete", "postura", "by-law"),
    "letter": ("objet", "veuillez agreer", "monsieur le maire", "assunto", "dear sir", "com os melhores cumprimentos"),
    "civil-status": ("acte de naissance", "extrait d acte", "certidao de nascimento", "acte de mariage", "acte de deces", "birth certificate"),
    "land": ("titre foncier", "parcelle", "lotissement", "attribution", "terreno", "permis d occuper"),
    "building": ("permis de construire", "plan de masse", "licenca de construcao", "building permit"),
    "minutes": ("proces verbal", "compte rendu", "ata da reuniao", "minutes of"),
}  # fmt: skip


def guess(text: str, kinds: Sequence[tuple[str, Sequence[str]]] = ()) -> dict[str, dict[str, Any]]:
    """{"kind"|"title"|"day"|"reference"|"parties"|"amount": {"value", "sure" (0 to 1), "from": the words}}. kinds: (name,
    titles) of the classification plan. What is not found is not there."""
    found: dict[str, dict[str, Any]] = {}
    for name, one in (
        ("kind", _kind(text, kinds)), ("title", _title(text)), ("day", _day(text)), ("reference", _reference(text)),
        ("parties", _parties(text)), ("amount", _amount(text)),
    ):  # fmt: skip
        if one is not None:
            found[name] = {"value": one[0], "sure": round(one[1], 2), "from": one[2][:120]}
    return found


Found = tuple[Any, float, str] | None


def _kind(text: str, kinds: Sequence[tuple[str, Sequence[str]]]) -> Found:
    head, whole = fold(text[:600]), fold(text)
    scores: dict[str, tuple[float, str]] = {}
    for name, words in SIGNS.items():
        hit = [word for word in words if f" {word}" in f" {whole}"]
        if hit:
            near = [word for word in hit if f" {word}" in f" {head}"]
            scores[name] = (0.3 * len(hit) + 0.4 * len(near), (near or hit)[0])
    for name, titles in kinds:
        for title in titles:
            folded = fold(title)
            if len(folded) > 3 and f" {folded}" in f" {whole}":
                scores[name] = (scores.get(name, (0.0, ""))[0] + (0.8 if folded in head else 0.4), title)
    if not scores:
        return None
    ranked = sorted(scores.items(), key=lambda one: -one[1][0])
    best, second = ranked[0][1][0], ranked[1][1][0] if len(ranked) > 1 else 0.0
    sure = min(0.95, best / (best + second + 0.4))
    return ranked[0][0], sure, ranked[0][1][1]


def _title(text: str) -> Found:
    """The first line that looks like one: in capitals, or the subject of a letter."""
    lines = [" ".join(line.split()) for line in text.splitlines() if len(line.strip()) > 5][:30]
    for line in lines:
        folded = fold(line)
        for sign in ("objet", "assunto", "subject", "objeto"):
            if folded.startswith(sign):
                return line.partition(":")[2].strip() or line, 0.8, line
    for line in lines:
        letters = [c for c in line if c.isalpha()]
        if len(letters) > 8 and sum(c.isupper() for c in letters) > 0.8 * len(letters):
            return line[:150], 0.6, line
    return (lines[0][:150], 0.3, lines[0]) if lines else None


def days(text: str) -> Iterator[tuple[date, int, str]]:
    """Every date that is written, with where and how."""
    for match in _WRITTEN.finditer(text):
        month = _MONTH.get(fold(match[2]))
        if month and (day := _date(match[3], month, match[1])):
            yield day, match.start(), match[0]
    for match in _DIGITS.finditer(text):
        if day := _date(match[3], match[2], match[1]):
            yield day, match.start(), match[0]
    for match in _ISO.finditer(text):
        if day := _date(match[1], match[2], match[3]):
            yield day, match.start(), match[0]


def _date(year: str, month: str | int, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _day(text: str) -> Found:
    best: Found = None
    for day, at, words in days(text):
        before = fold(text[max(0, at - 30) : at])
        sure = 0.8 if any(sign in f"{before} " for sign in _SIGNS_OF_DAY) else 0.5
        if day > date.today():
            sure = 0.2
        if best is None or sure > best[1]:
            best = (day.isoformat(), sure, text[max(0, at - 20) : at + len(words)].strip())
    return best


def _reference(text: str) -> Found:
    match = _REFERENCE.search(text)
    if match is None:
        return None
    return match[1].rstrip(".,/-"), 0.85 if match.start() < 600 else 0.5, match[0]


def _parties(text: str) -> Found:
    names = list(dict.fromkeys(" ".join(match[1].split()) for match in _PARTY.finditer(text)))[:4]
    return (names, 0.6 if len(names) < 3 else 0.4, ", ".join(names)) if names else None


def _amount(text: str) -> Found:
    """The amount after "total" or "net à payer", else the largest; as digits, for a person to check."""
    best: tuple[float, int, str, str] | None = None
    for match in _AMOUNT.finditer(text):
        whole = int(re.sub(r"\D", "", match[1]))
        before = fold(text[max(0, match.start() - 40) : match.start()])
        sure = 0.75 if any(word in before for word in ("total", "net", "payer", "pagar", "amount")) else 0.4
        one = (sure, whole, f"{whole}{'.' + match[2] if match[2] else ''} {match[3].upper()}", match[0])
        if best is None or one[:2] > best[:2]:
            best = one
    return (best[2], best[0], best[3]) if best else None
