"""The words of XLSForm: the types, columns and languages that we know, by every name they go by."""

from __future__ import annotations

import re

# Our kind for each type of XLSForm; those that take a list are followed by its name.
TYPES = {
    "text": "text", "string": "text", "integer": "integer", "int": "integer", "decimal": "decimal", "range": "range",
    "date": "date", "time": "time", "datetime": "dateTime", "barcode": "barcode",
    "acknowledge": "acknowledge", "trigger": "acknowledge", "note": "note", "calculate": "calculate", "hidden": "hidden",
    "geopoint": "geopoint", "gps": "geopoint", "location": "geopoint", "geotrace": "geotrace", "geoshape": "geoshape",
    "image": "image", "photo": "image", "audio": "audio", "video": "video", "file": "file", "signature": "signature",
    "start": "start", "end": "end", "today": "today", "deviceid": "deviceid", "imei": "deviceid",
    "username": "username", "phonenumber": "phonenumber", "email": "email", "audit": "audit",
}  # fmt: skip
SELECTS = {
    "select_one": "select_one", "select one": "select_one", "select one from": "select_one", "select1": "select_one",
    "select_multiple": "select_multiple", "select multiple": "select_multiple", "rank": "rank",
    "select all that apply": "select_multiple", "select all that apply from": "select_multiple",
    "add select one prompt using": "select_one", "add select multiple prompt using": "select_multiple",
}  # fmt: skip

# Our name for each column, and whether it may come once for each language.
COLUMNS = {
    "type": "type", "command": "type", "name": "name", "tag": "name", "value": "name",
    "label": "label", "caption": "label", "hint": "hint",
    "required": "required", "relevant": "relevant", "relevance": "relevant", "constraint": "constraint",
    "required_message": "required_message", "requiredmsg": "required_message", "jr:requiredmsg": "required_message",
    "constraint_message": "constraint_message", "constraining_message": "constraint_message",
    "jr:constraintmsg": "constraint_message",
    "calculation": "calculation", "calculate": "calculation", "default": "default", "choice_filter": "choice_filter",
    "appearance": "appearance", "parameters": "parameters", "read_only": "read_only", "readonly": "read_only",
    "repeat_count": "count", "count": "count", "jr:count": "count", "prefill": "prefill",
}  # fmt: skip
WORDS = frozenset(["label", "hint", "required_message", "constraint_message"])
EXPRESSIONS = ("required", "relevant", "constraint", "calculation", "choice_filter", "count")
LANGUAGES = {
    "fr": "Français", "pt": "Português", "en": "English", "es": "Español", "ar": "العربية", "bm": "Bamanankan",
    "ff": "Pulaar", "mos": "Mooré", "wo": "Wolof", "dyu": "Julakan", "ha": "Hausa", "kea": "Kabuverdianu", "sw": "Kiswahili",
}  # fmt: skip
_BY_NAME = {name.casefold(): code for code, name in LANGUAGES.items()} | {
    "french": "fr", "francais": "fr", "portuguese": "pt", "portugues": "pt", "arabic": "ar", "spanish": "es",
}  # fmt: skip


def language_code(name: str) -> str:
    """The code of "Français (fr)", "French" or "fr"; what we do not know stays as it is."""
    found = re.search(r"\(([A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)\)\s*$", name)
    if found:
        return found[1].lower()
    plain = name.strip()
    return _BY_NAME.get(plain.casefold(), plain.lower() if re.fullmatch(r"[A-Za-z]{2,3}", plain) else plain)


def language_name(code: str) -> str:
    """As XLSForm heads its columns: "Français (fr)"."""
    return f"{LANGUAGES[code]} ({code})" if code in LANGUAGES else code


def column(header: str) -> tuple[str, str | None]:
    """Our name of a survey's column, "" when we have none, and its language, None when it names none.

    "bind::relevant", "bind:jr:constraintMsg", "label::Français (fr)" and the old "label:English" are all out there."""
    plain = header.strip()
    plain = re.sub(r"^(?:bind|control|body)::?(?=\S)", "", plain, flags=re.IGNORECASE)
    known = COLUMNS.get(plain.casefold().replace(" ", "_"))
    if known:
        return known, None
    name, separator, language = plain.partition("::")
    if not separator:
        at = plain.rfind(":")
        name, language = (plain[:at], plain[at + 1 :]) if at > 0 else (plain, "")
    known = COLUMNS.get(name.strip().casefold().replace(" ", "_"), "")
    return (known, language_code(language)) if known in WORDS and language.strip() else ("", None)
