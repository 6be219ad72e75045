"""Phone numbers and e-mails as people type them, made into one form; and masked for those who need not see them."""

from __future__ import annotations

import re

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from toguna.kernel import town


def normal_phone(typed: str) -> str:
    """E.164 ("+22370000001"); a number without a country is of the town's. Raises ValidationError, in words."""
    try:
        number = phonenumbers.parse(typed, town.current().country or None)
    except phonenumbers.NumberParseException:
        raise ValidationError(
            _("This is not a phone number. It looks like %(example)s; a foreign one begins with + and its country.")
            % {"example": _example()}
        ) from None
    if not phonenumbers.is_possible_number(number):
        raise ValidationError(_("This phone number has too few or too many digits."))
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _example() -> str:
    """A number as the town writes it, such as "65 01 23 45" in Mali: nobody's, from the numbering plan's description."""
    country = town.current().country
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE) if country else None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL) if number else "+223 65 01 23 45"


# Numbers that earn money for whoever owns them, or that no SMS reaches.
_NO_CODE = {
    phonenumbers.PhoneNumberType.PREMIUM_RATE,
    phonenumbers.PhoneNumberType.SHARED_COST,
    phonenumbers.PhoneNumberType.UAN,
    phonenumbers.PhoneNumberType.PAGER,
    phonenumbers.PhoneNumberType.VOICEMAIL,
    phonenumbers.PhoneNumberType.TOLL_FREE,
    phonenumbers.PhoneNumberType.FIXED_LINE,
}


def no_code_to(value: str) -> str:
    """Why no log-in code is sent to this number (E.164), in words for the person; "" when it is."""
    here = town.current()
    number = phonenumbers.parse(value)
    if phonenumbers.number_type(number) in _NO_CODE:
        return _("No code can be sent to this number. Type a mobile number, or an e-mail address.")
    if not here.country or value.startswith(here.foreign_prefixes or ("none",)):
        return ""
    ours = phonenumbers.country_code_for_region(here.country)
    region = phonenumbers.region_code_for_number(number)
    if number.country_code == ours and region in (None, here.country):
        return ""
    return _("Codes are not sent to numbers of other countries. Type a number of this country, or an e-mail address.")


def normal_email(typed: str) -> str:
    """Lower case, trimmed. Raises ValidationError, in words."""
    value = typed.strip().lower()
    try:
        validate_email(value)
    except ValidationError:
        raise ValidationError(_("This is not an e-mail address. It looks like name@example.org.")) from None
    return value


def example_phone() -> str:
    """A mobile number as people of the town's country write theirs: "65 01 23 45"."""
    found = phonenumbers.example_number_for_type(town.current().country, phonenumbers.PhoneNumberType.MOBILE)
    return phonenumbers.format_number(found, phonenumbers.PhoneNumberFormat.NATIONAL) if found else "70 00 00 01"


def contact(typed: str) -> tuple[str, str]:
    """("email" | "phone", normalised value) of whichever was typed."""
    return ("email", normal_email(typed)) if "@" in typed else ("phone", normal_phone(typed))


def shown(kind: str, value: str) -> str:
    """As people read it: "+223 70 00 00 01"."""
    if kind != "phone":
        return value
    try:
        return phonenumbers.format_number(phonenumbers.parse(value), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return value


def masked(kind: str, value: str) -> str:
    """Enough to recognise one's own: "+223 •••• 01", "a•••@example.org"."""
    if kind == "phone":
        return f"{value[:4]} •••• {value[-2:]}"
    return re.sub(r"(?<=^.)[^@]*", "•••", value)
