"""Components: what templates say instead of repeating markup. All are builtins: no {% load %}."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.forms import BaseForm, CheckboxSelectMultiple, RadioSelect
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from toguna.kernel import access, registry, text
from toguna.kernel import money as kernel_money
from toguna.site.icons import ICONS

register = template.Library()


@register.simple_tag
@lru_cache(maxsize=512)
def icon(name: str, css: str = "") -> SafeString:
    """A pictogram, hidden from screen readers: the word beside it speaks. An unknown name draws "other"."""
    inside = ICONS.get(name) or ICONS["other"]
    return format_html(
        '<svg class="icon{}" viewBox="0 0 24 24" aria-hidden="true" focusable="false">{}</svg>',
        f" {css}" if css else "",
        mark_safe(inside),  # noqa: S308 - our own drawings
    )


@register.simple_tag
def state_tag(state: Any) -> SafeString:
    """A state (kind, icon, title) as a coloured word with its pictogram."""
    return _state_tag(state.kind, state.icon, str(state.title))


@lru_cache(maxsize=512)
def _state_tag(kind: str, pictogram: str, title: str) -> SafeString:
    return format_html('<span class="tag {}">{}{}</span>', kind, icon(pictogram), title)


@register.filter
def signed(value: float) -> str:
    """A change, with two decimals: "+0.49", "−0.85"."""
    return f"{'−' if value < 0 else '+'}{number_format(abs(value), 2)}"


@register.filter
def words(value: Any) -> str:
    """The town's words, {language: words}, in the reader's language."""
    return text.pick(value) if isinstance(value, dict) else str(value or "")


@register.filter
def service_title(name: str) -> str:
    """What people call a service: "procedures" -> "Procedures"; its name when the town has it no more."""
    return next((str(one.title) for one in registry.services() if one.name == name and one.title), name)


@register.filter
def spaced(code: str) -> str:
    """A code in two groups, as it is read aloud: "K7M4XZ" -> "K7M 4XZ"."""
    half = (len(code) + 1) // 2
    return f"{code[:half]} {code[half:]}"


@register.simple_tag
def when(moment: datetime | date | None, with_time: bool = False) -> SafeString | str:
    """A date for people and for machines: <time datetime=...>14 mars 2026</time>."""
    if moment is None:
        return ""
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), _day(moment, get_language()))
    local = timezone.localtime(moment)
    shown = date_format(local, "DATETIME_FORMAT") if with_time else _day(local.date(), get_language())
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), shown)


@lru_cache(maxsize=4096)
def _day(day: date, language: str | None) -> str:
    """Lists say the same few days again and again."""
    return date_format(day, "DATE_FORMAT")


@register.filter
def figure(value: float) -> str:
    """What was measured, as people write it: two decimals at most, and none that says nothing."""
    rounded = round(float(value), 2)
    return number_format(int(rounded) if rounded.is_integer() else rounded, force_grouping=True)


@register.simple_tag
def money(amount: int, currency: str = "") -> SafeString:
    """Minor units, as people read them in their language. However narrow its place, it stands on one line."""
    return format_html('<span class="nowrap">{}</span>', kernel_money.shown(amount, currency))


_AMOUNT = re.compile(r"(\d[\d.,\u202f\xa0]*\xa0[^\W\d_]+)")


@register.filter
def whole(words: object) -> SafeString:
    """What was said elsewhere, each amount or measure of it on one line."""
    parts = enumerate(_AMOUNT.split(str(words)))  # every second one is an amount
    return format_html_join(
        "", "{}", ((format_html('<span class="nowrap">{}</span>', p) if n % 2 else p,) for n, p in parts)
    )


@register.simple_tag
def colon() -> str:
    """Between what is named and what is said of it, where it stands in no text of its own: French keeps a space before it."""
    return "\N{NO-BREAK SPACE}:" if (get_language() or "").startswith("fr") else ":"


@register.simple_tag
def options(choices: Iterable[tuple[Any, Any]], chosen: Any = "") -> SafeString:
    """The <option>s of a list: (value, words) of each; chosen: the value that is. A long list costs a loop in a template
    thirty times what it costs here."""
    wanted = str(chosen if chosen is not None else "")
    return format_html_join(
        "",
        '<option value="{}"{}>{}</option>',
        ((value, mark_safe(" selected") if str(value) == wanted else "", words) for value, words in choices),
    )


@register.simple_tag(takes_context=True)
def may(context: dict[str, Any], permission: str, zone: int | None = None) -> bool:
    """{% may "reports.assign" zone=case.zone_id as can_assign %}"""
    actor = context["request"].actor
    return access.can(actor, permission, zone=zone, anywhere=zone is None)


@register.simple_tag(takes_context=True)
def with_query(context: dict[str, Any], **changes: Any) -> str:
    """The page's own query string with some values changed (None or "" removes one): for filters and pages."""
    query = context["request"].GET.copy()
    for key, value in changes.items():
        if value in (None, ""):
            query.pop(key, None)
        else:
            query[key] = value
    encoded = query.urlencode()
    return f"?{encoded}" if encoded else "?"


@register.filter
def problems(form: BaseForm) -> list[tuple[str, str]]:
    """What is wrong in a form, for the summary above it: (id of the field to go to, "" for the form's own; the error)."""
    found = [("", str(error)) for error in form.non_field_errors()]
    for field in form:
        # A group of choices has no element of its own: one goes to its first choice.
        group = isinstance(field.field.widget, (RadioSelect, CheckboxSelectMultiple))
        anchor = "" if field.is_hidden else f"{field.auto_id}_0" if group else field.id_for_label
        found += [(anchor, str(error)) for error in field.errors]
    return found
