"""A filled-in form as ODK Collect sends it: its XML read into answers."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from django.utils.translation import gettext as _

from toguna.engines.forms import values
from toguna.engines.forms.definition import MEDIA, Definition, Item
from toguna.engines.forms.scalars import Key

LARGEST = 4 << 20  # bytes of XML
DEEPEST = 24


class BadInstance(Exception):
    """It is no filled-in form: str() says why."""


@dataclass(frozen=True)
class Instance:
    """form and version as the XML names them; root: its element."""

    form: str
    version: str
    client_id: uuid.UUID
    root: Element


@dataclass
class Answers:
    """values: answers; a file stands there as the name that it has on the phone. wrong: what could not be read."""

    values: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def read(xml: bytes) -> Instance:
    """Raises BadInstance. No entity is expanded, no DTD is read."""
    if len(xml) > LARGEST:
        raise BadInstance(_("These answers are too long."))
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as bad:
        raise BadInstance(_("This is no filled-in form: its XML is broken.")) from bad
    _shallow(root)
    meta = next((child for child in root if _local(child.tag) == "meta"), None)
    found = {_local(child.tag): (child.text or "").strip() for child in meta} if meta is not None else {}
    if found.get("deprecatedID"):
        raise BadInstance(_("A form that was sent cannot be changed from the phone: ask at the town hall."))
    with suppress(ValueError):
        client_id = uuid.UUID(found.get("instanceID", "").removeprefix("uuid:"))
        return Instance(root.get("id", ""), root.get("version", ""), client_id, root)
    raise BadInstance(_("This filled-in form has no instanceID."))


def _shallow(root: Element) -> None:
    """Refuses what is nested far deeper than any form, without recursion."""
    level: list[Element] = [root]
    for _depth in range(DEEPEST):
        level = [child for element in level for child in element]
        if not level:
            return
    raise BadInstance(_("This is no filled-in form: its XML is broken."))


def answers(form: Definition, root: Element) -> Answers:
    """The answers in an instance. What the form does not ask is left where it is; what cannot be read is wrong."""
    found = Answers()
    found.values = _block(form.items, root, (), found.wrong)
    return found


def _block(items: Sequence[Item], element: Element, at: Key, wrong: dict[str, str]) -> dict[str, Any]:
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(child)
    made: dict[str, Any] = {}
    for item in items:
        rows, key = children.get(item.name, []), (*at, item.name)
        if not rows:
            continue
        if item.kind == "group":
            made[item.name] = _block(item.items, rows[0], key, wrong)
        elif item.kind == "repeat":
            rows = [row for row in rows if not any(_local(name) == "template" for name in row.keys())]  # noqa: SIM118
            if len(rows) > values.MOST_INSTANCES:
                wrong[values.named(key)] = _("There are too many of these: %(most)d at most.") % {
                    "most": values.MOST_INSTANCES
                }
                continue
            made[item.name] = [_block(item.items, row, (*key, i), wrong) for i, row in enumerate(rows)]
        elif item.kind != "note":
            try:
                value = _value(item, rows[0].text or "")
            except values.Wrong as why:
                wrong[values.named(key)] = str(why)
                continue
            if value is not None:
                made[item.name] = value
    return made


def _value(item: Item, written: str) -> Any:
    if item.kind in MEDIA:
        return written.strip() or None
    return values.parse(item, written)
