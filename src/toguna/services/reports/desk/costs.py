"""What work cost, as people type and read it: in the town's currency."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from toguna.kernel import town

# ISO 4217 minor units; all others have two. CLDR's differ (it says what is used in shops).
_NONE = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"]
)
_THREE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])


def _digits() -> int:
    currency = town.current().currency
    return 0 if currency in _NONE else 3 if currency in _THREE else 2


def read(typed: str) -> int:
    """ "12 500" or "12,50" -> minor units; 0 for nothing. Raises ValueError for what is not an amount of this currency."""
    plain = "".join(typed.split()).replace("\u202f", "").replace(",", ".")
    if not plain:
        return 0
    try:
        minor = Decimal(plain).scaleb(_digits())
    except InvalidOperation as error:
        raise ValueError(typed) from error
    if not minor.is_finite() or minor != minor.to_integral_value() or abs(minor) > 10**13:
        raise ValueError(typed)
    return int(minor)


def shown(minor: int) -> str:
    """12500 -> "12 500 XOF", with plain spaces."""
    amount = f"{Decimal(minor).scaleb(-_digits()):,.{_digits()}f}".replace(",", " ")
    return f"{amount} {town.current().currency}"
