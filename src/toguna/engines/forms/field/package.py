"""What a phone needs to fill in the field's forms without network: their definitions, with each expression as a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from toguna.engines.forms import plan, reads
from toguna.engines.forms.definition import SILENT, Definition, Item
from toguna.engines.forms.expressions import Expression
from toguna.engines.forms.models import FormVersion
from toguna.engines.forms.plan import Step
from toguna.engines.forms.values import LARGEST_INT, LONGEST_TEXT, MOST_INSTANCES

SHAPE = "1"  # of what is made here: another one makes phones fetch all again
MOST_FORMS = 100
_WORDS = ("label", "hint", "required_message", "constraint_message")
_PLAIN = ("list", "appearance", "parameters", "read_only", "prefill")


def versions() -> list[FormVersion]:
    """Of the forms that are offered in the field, what is published now."""
    return [form.current for form in reads.forms(field=True)[:MOST_FORMS] if form.current is not None]


def tag(found: Iterable[FormVersion]) -> str:
    """The ETag of these versions, which never change themselves."""
    told = [SHAPE, *(f"{version.pk} {version.version}" for version in found)]
    return f'"{hashlib.sha256(" ".join(told).encode()).hexdigest()[:16]}"'


def whole(found: Iterable[FormVersion]) -> dict[str, Any]:
    """{"forms": [FORM...]}; FORM: {key, slug, version, titles, languages, items, pages: [[name...]...], choices, steps, most}.

    Items are those of the definition, without what only a spreadsheet needs. steps: the expressions of each, as trees (see
    `expressions`), in the order in which they depend on one another."""
    rows = list(found)
    slugs = dict(reads.forms(field=True).filter(current__in=[row.pk for row in rows]).values_list("current", "slug"))
    return {"forms": [one(slugs[row.pk], row) for row in rows if row.pk in slugs]}


def one(slug: str, version: FormVersion) -> dict[str, Any]:
    form = reads.definition_of(version.pk)
    return {
        "key": f"{slug}@{version.version}",
        "slug": slug,
        "version": version.version,
        "titles": dict(form.titles),
        "languages": list(form.languages),
        **definition(form),
    }


def definition(form: Definition) -> dict[str, Any]:
    return {
        "items": [_item(item) for item in form.items],
        "pages": [[item.name for item in page] for page in form.pages()],
        "choices": {
            name: [{"name": row.name, "label": dict(row.label), "more": dict(row.more)} for row in rows]
            for name, rows in form.choices.items()
        },
        "steps": [_step(step) for step in plan.of(form).steps],
        "most": {"instances": MOST_INSTANCES, "text": LONGEST_TEXT, "integer": LARGEST_INT},
    }


def _item(item: Item) -> dict[str, Any]:
    row: dict[str, Any] = {"name": item.name, "kind": item.kind, "path": list(item.path)}
    row |= {name: value for name in (*_WORDS, *_PLAIN) if (value := getattr(item, name))}
    if item.block:
        row["items"] = [_item(inner) for inner in item.items]
    elif item.kind not in SILENT and item.kind != "note":
        row["asked"] = True
    if item.count:
        row["counted"] = True
    if item.default is not None and not plan.dynamic(item):
        row["default"] = item.default
    return row


def _step(step: Step) -> dict[str, Any]:
    row: dict[str, Any] = {"path": list(step.item.path)}
    for name in ("relevant", "calculation", "constraint", "count", "choice_filter", "default", "required"):
        value = getattr(step, name)
        if isinstance(value, Expression):
            row[name] = value.tree
        elif value is True:
            row[name] = True
    return row
