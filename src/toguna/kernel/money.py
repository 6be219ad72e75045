"""Money is a whole number of the currency's minor unit: 500 XOF is 500, 5.00 GHS is 500. Never a float."""

from __future__ import annotations

import re
from decimal import Decimal

from babel.numbers import format_decimal
from django.utils.translation import get_language

from toguna.kernel import town

# Of ISO 4217, those of whose minor unit a hundred do not make one; all others have two digits.
_EXPONENTS = dict.fromkeys(
    ("XOF", "XAF", "XPF", "GNF", "BIF", "DJF", "KMF", "RWF", "UGX", "CLP", "PYG", "VUV", "ISK", "JPY", "KRW", "VND"), 0
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)

_NAMES = {"XOF": "FCFA", "XAF": "FCFA"}  # people of the franc zone know no "XOF"


class NotMoney(ValueError):
    """What was typed is not an amount of this currency."""


def exponent(currency: str) -> int:
    """How many digits of the minor unit: 0 for XOF, 2 for most (ISO 4217)."""
    return _EXPONENTS.get(currency, 2)


def shown(amount: int, currency: str = "", *, language: str | None = None, plain: bool = False) -> str:
    """The amount as people read it, the unit behind it as in our towns: "1 500 FCFA". plain: for SMS, with ordinary
    spaces only."""
    code = currency or town.current().currency
    digits = exponent(code)
    number = format_decimal(
        Decimal(amount).scaleb(-digits),
        "#,##0" + ("." + "0" * digits if digits else ""),
        locale=(language or get_language() or "fr").replace("-", "_"),
    )
    said = f"{number}\xa0{_NAMES.get(code, code)}"
    return re.sub(r"[\u202f\xa0\u2009]", " ", said) if plain else said


def read(typed: str, currency: str = "") -> int:
    """The minor units of what a person typed: "1 500", "1.500,50", "5000 F". Raises NotMoney.

    Behind the last point or comma, one or two digits are decimals and three are thousands; for the dinars of three digits,
    decimals in every case.
    """
    digits = exponent(currency or town.current().currency)
    bare = re.sub(r"[^\d.,-]", "", typed).strip(".,")
    if not re.fullmatch(r"\d+(?:[.,]\d{3})*(?:[.,]\d{1,3})?", bare) or len(bare) > 30:
        raise NotMoney(typed)
    whole, _mark, part = re.sub(r"[.,](?=.*[.,])", "", bare).replace(",", ".").partition(".")
    if len(part) == 3 and digits != 3:
        whole, part = whole + part, ""
    if part[digits:].strip("0"):
        raise NotMoney(typed)
    unit: int = 10**digits
    return int(whole) * unit + int((part + "0" * digits)[:digits] or 0)
