"""Amounts in words, as law and habit want them on a receipt: French, Portuguese, English."""

from __future__ import annotations

from toguna.kernel import money

MOST = 10**15  # larger amounts are written in figures only

_EN = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_FR = [
    "zéro",
    "un",
    "deux",
    "trois",
    "quatre",
    "cinq",
    "six",
    "sept",
    "huit",
    "neuf",
    "dix",
    "onze",
    "douze",
    "treize",
    "quatorze",
    "quinze",
    "seize",
    "dix-sept",
    "dix-huit",
    "dix-neuf",
]
_FR_TENS = ["zéro", "dix", "vingt", "trente", "quarante", "cinquante", "soixante"]
_PT = [
    "zero",
    "um",
    "dois",
    "três",
    "quatro",
    "cinco",
    "seis",
    "sete",
    "oito",
    "nove",
    "dez",
    "onze",
    "doze",
    "treze",
    "catorze",
    "quinze",
    "dezasseis",
    "dezassete",
    "dezoito",
    "dezanove",
]
_PT_TENS = ["zero", "dez", "vinte", "trinta", "quarenta", "cinquenta", "sessenta", "setenta", "oitenta", "noventa"]
_PT_HUNDREDS = [
    "zero",
    "cento",
    "duzentos",
    "trezentos",
    "quatrocentos",
    "quinhentos",
    "seiscentos",
    "setecentos",
    "oitocentos",
    "novecentos",
]

# The unit and its hundredth: {language: (one, many, one part, many parts)}. Others are said by their ISO code.
_UNITS: dict[str, dict[str, tuple[str, str, str, str]]] = {
    "XOF": {
        "fr": ("franc CFA", "francs CFA", "", ""),
        "pt": ("franco CFA", "francos CFA", "", ""),
        "en": ("CFA franc", "CFA francs", "", ""),
    },
    "GHS": {
        "fr": ("cédi", "cédis", "pesewa", "pesewas"),
        "pt": ("cedi", "cedis", "pesewa", "pesewas"),
        "en": ("cedi", "cedis", "pesewa", "pesewas"),
    },
    "NGN": {
        "fr": ("naira", "nairas", "kobo", "kobos"),
        "pt": ("naira", "nairas", "kobo", "kobos"),
        "en": ("naira", "naira", "kobo", "kobo"),
    },
    "KES": {
        "fr": ("shilling", "shillings", "cent", "cents"),
        "pt": ("xelim", "xelins", "cêntimo", "cêntimos"),
        "en": ("shilling", "shillings", "cent", "cents"),
    },
    "EUR": {
        "fr": ("euro", "euros", "centime", "centimes"),
        "pt": ("euro", "euros", "cêntimo", "cêntimos"),
        "en": ("euro", "euros", "cent", "cents"),
    },
    "CVE": {
        "fr": ("escudo", "escudos", "centavo", "centavos"),
        "pt": ("escudo", "escudos", "centavo", "centavos"),
        "en": ("escudo", "escudos", "centavo", "centavos"),
    },
}
_UNITS["XAF"] = _UNITS["XOF"]
_UNITS["GNF"] = {
    "fr": ("franc guinéen", "francs guinéens", "", ""),
    "pt": ("franco guineense", "francos guineenses", "", ""),
    "en": ("Guinean franc", "Guinean francs", "", ""),
}


def number(value: int, language: str) -> str:
    """A whole number in words: 0 <= value < MOST; languages other than fr and pt are told in English."""
    return {"fr": _french, "pt": _portuguese}.get(language, _english)(value)


def amount(value: int, currency: str, language: str) -> str:
    """ "mille cinq cents francs CFA". Minor units; figures beyond MOST."""
    if not 0 <= value < MOST:
        return money.shown(value, currency, language=language)
    whole, part = divmod(value, 10 ** money.exponent(currency))
    units = _UNITS.get(currency, {}).get(language)
    said = number(whole, language)
    if units is None:
        name = money.shown(0, currency, language=language).split("\xa0")[-1]
        return f"{said} {name}" + (f" {part:0{money.exponent(currency)}d}" if part else "")
    one, many, one_part, parts = units
    # French says zéro and un in the singular, Portuguese and English only one.
    name = one if whole == 1 or (language == "fr" and whole < 2) else many
    link = " "
    if language in ("fr", "pt") and whole and whole % 1_000_000 == 0:  # un million de francs, un milhão de francos
        link = " d’" if language == "fr" and name[0] in "aeiou" else " de "
    said += link + name
    if part:
        and_ = {"fr": "et", "pt": "e"}.get(language, "and")
        said += f" {and_} {number(part, language)} {one_part if part == 1 else parts}"
    return said


def _english(value: int) -> str:
    for size, name in ((10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand")):
        if value >= size:
            many, rest = divmod(value, size)
            link = "" if not rest else " and " if rest < 100 else " "
            return f"{_english(many)} {name}" + (link + _english(rest) if rest else "")
    if value >= 100:
        many, rest = divmod(value, 100)
        return f"{_EN[many]} hundred" + (f" and {_english(rest)}" if rest else "")
    if value < 20:
        return _EN[value]
    ten, rest = divmod(value, 10)
    return _EN_TENS[ten] + (f"-{_EN[rest]}" if rest else "")


def _french(value: int, *, last: bool = True) -> str:
    """last: nothing follows; "quatre-vingts" and "deux cents" lose their s before another number and before mille."""
    for size, name in ((10**12, "billion"), (10**9, "milliard"), (10**6, "million")):
        if value >= size:
            many, rest = divmod(value, size)
            # Before million and milliard, which are nouns, vingt and cent keep their s.
            return f"{_french(many)} {name}{'s' * (many > 1)}" + (f" {_french(rest, last=last)}" if rest else "")
    if value >= 1000:
        many, rest = divmod(value, 1000)
        head = "mille" if many == 1 else f"{_french(many, last=False)} mille"
        return head + (f" {_french(rest, last=last)}" if rest else "")
    if value >= 100:
        many, rest = divmod(value, 100)
        head = "cent" if many == 1 else f"{_FR[many]} cent" + ("s" if not rest and last else "")
        return head + (f" {_french(rest, last=last)}" if rest else "")
    if value < 20:
        return _FR[value]
    if value >= 80:
        rest = value - 80
        return "quatre-vingt" + (f"-{_FR[rest]}" if rest else "s" * last)
    ten, rest = divmod(value, 10)
    if ten == 7:
        ten, rest = 6, rest + 10
    if rest in (1, 11):
        return f"{_FR_TENS[ten]} et {_FR[rest]}"
    return _FR_TENS[ten] + (f"-{_FR[rest]}" if rest else "")


def _portuguese(value: int) -> str:
    for size, one, many_name in (
        (10**12, "bilião", "biliões"),
        (10**6, "milhão", "milhões"),
        (1000, "mil", "mil"),
    ):
        if value >= size:
            many, rest = divmod(value, size)
            head = one if size == 1000 and many == 1 else f"{_portuguese(many)} {one if many == 1 else many_name}"
            # "e" before the last part when it is below a hundred or of whole hundreds: mil e quinhentos, mil e um.
            link = " e " if rest and (rest < 100 or (rest < 1000 and rest % 100 == 0)) else " "
            return head + (link + _portuguese(rest) if rest else "")
    if value == 100:
        return "cem"
    if value > 100:
        many, rest = divmod(value, 100)
        return _PT_HUNDREDS[many] + (f" e {_portuguese(rest)}" if rest else "")
    if value < 20:
        return _PT[value]
    ten, rest = divmod(value, 10)
    return _PT_TENS[ten] + (f" e {_PT[rest]}" if rest else "")
