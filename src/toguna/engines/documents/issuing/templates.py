"""Templates of papers: words with {fields}. What a clerk writes is words and stays words: nothing of it is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from toguna.engines.documents.models.issuing import PaperTemplate
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor
from toguna.kernel.text import Words

WRITE = "documents.template"
LONGEST, MOST_FIELDS, LONGEST_FACT = 20_000, 60, 2_000
KINDS, SHOWN = ("text", "date", "lines"), ("no", "masked", "yes")
_PLACE = re.compile(r"\{([^{}\n]{0,60})\}")


class Refused(Exception):
    """It cannot be done; str() says why and what to do."""


@dataclass(frozen=True)
class Field:
    """One fact. kind: text, date (ISO, written out in the paper's language), lines (several). shown: what the public check
    page says of it: nothing, its initials ("masked"), or all of it."""

    name: str
    label: Words = field(default_factory=dict)
    kind: str = "text"
    needed: bool = True
    shown: str = "no"


@transaction.atomic
def save_template(
    name: str,
    *,
    title: Words,
    words: Words,
    fields: tuple[Field, ...] | list[Field],
    prefix: str,
    head: Words | None = None,
    foot: Words | None = None,
    by: Actor,
) -> PaperTemplate:
    """A template, or its next version; the same again makes none. Papers of earlier versions stay as they were issued.
    Raises Refused where a {field} of the text is not declared, Denied."""
    access.require(by, WRITE)
    if not re.fullmatch("[a-z][a-z0-9-]{0,39}", name):
        raise Refused(_("Name the template in small letters, figures and dashes: residence-certificate."))
    if not re.fullmatch("[A-Z0-9]{1,8}", prefix):
        raise Refused(_("The beginning of its numbers is 1 to 8 capital letters, such as CR."))
    if len(fields) > MOST_FIELDS or any(len(said) > LONGEST for said in words.values()) or not any(words.values()):
        raise Refused(_("Write the words of the paper: at most 20,000 letters and 60 fields."))
    names = [one.name for one in fields]
    for one in fields:
        if not re.fullmatch("[a-z][a-z0-9_]{0,39}", one.name) or one.kind not in KINDS or one.shown not in SHOWN:
            raise Refused(
                _("The field “%(name)s” cannot be read. Write it in small letters.") % {"name": one.name[:60]}
            )
    if len(set(names)) != len(names):
        raise Refused(_("Two fields have the same name."))
    for said in words.values():
        for place in _PLACE.findall(said):
            if place not in names:
                raise Refused(
                    _("The words speak of {%(name)s}, which is no field. Add the field, or correct its name.")
                    % {"name": place}
                )
    values = {
        "title": _cleaned(title),
        "words": _cleaned(words),
        "head": _cleaned(head),
        "foot": _cleaned(foot),
        "prefix": prefix,
        "fields": [
            {"name": f.name, "label": dict(f.label), "kind": f.kind, "needed": f.needed, "shown": f.shown}
            for f in fields
        ],
    }
    last = PaperTemplate.objects.filter(name=name).order_by("-version").first()
    if last and all(getattr(last, key) == value for key, value in values.items()):
        return last
    try:
        with transaction.atomic():
            row = PaperTemplate.objects.create(name=name, version=last.version + 1 if last else 1, **values)
    except IntegrityError as error:
        raise Refused(_("Somebody else has just saved this template. Open it again.")) from error
    audit.record(by, "documents.template", f"documents.template:{row.pk}", name=name, version=row.version)
    return row


def _cleaned(words: Words | None) -> dict[str, str]:
    return {language: text.clean(said) for language, said in (words or {}).items() if said.strip()}


def find(name: str) -> PaperTemplate | None:
    """The latest version of a template."""
    return PaperTemplate.objects.filter(name=name).order_by("-version").first()


def latest() -> list[PaperTemplate]:
    """The latest version of each template, by name."""
    return list(PaperTemplate.objects.order_by("name", "-version").distinct("name"))


def checked(template: PaperTemplate, facts: Mapping[str, Any]) -> dict[str, str]:
    """The facts as they are kept: only those of the template, as text, dates as ISO. Raises Refused naming what lacks."""
    kept, lacking = {}, []
    for one in template.fields:
        raw = facts.get(one["name"])
        said = raw.isoformat() if isinstance(raw, date) else text.clean(str(raw if raw is not None else ""))
        if one["kind"] != "lines":
            said = " ".join(said.split())
        if not said and one["needed"]:
            lacking.append(text.pick(one["label"]) or one["name"])
        if len(said) > LONGEST_FACT * (10 if one["kind"] == "lines" else 1):
            raise Refused(_("“%(name)s” is too long.") % {"name": text.pick(one["label"]) or one["name"]})
        if said and one["kind"] == "date":
            try:
                date.fromisoformat(said[:10])
            except ValueError as error:
                raise Refused(
                    _("“%(name)s” is no date such as 2026-03-31.") % {"name": text.pick(one["label"]) or one["name"]}
                ) from error
        kept[one["name"]] = said
    if lacking:
        raise Refused(_("The paper needs: %(what)s.") % {"what": ", ".join(lacking)})
    return kept


def paragraphs(template: PaperTemplate, facts: Mapping[str, str], language: str) -> list[str]:
    """The words with the facts in their places."""
    dates = {one["name"] for one in template.fields if one["kind"] == "date"}
    with override(language):

        def put(found: re.Match[str]) -> str:
            name = found[1]
            said = facts.get(name, "")
            return date_format(date.fromisoformat(said[:10])) if said and name in dates else said

        # Cut first, then put in: a fact is never looked at for {fields}, nor does it end a paragraph of the town's.
        return [_PLACE.sub(put, part) for part in re.split(r"\n\s*\n", text.pick(template.words, language)) if part]


def sample(template: PaperTemplate) -> dict[str, str]:
    """Facts to look at a template with: each says its own name."""
    return {
        one["name"]: "2000-01-31" if one["kind"] == "date" else f"[{text.pick(one['label']) or one['name']}]"
        for one in template.fields
    }


def masked(said: str) -> str:
    """ "Awa Koné" as "A. K.": enough to see that it is the right paper, for nobody to learn a name.

    >>> masked("Awa Koné")
    'A. K.'
    """
    return " ".join(f"{word[0].upper()}." for word in said.split()[:4])


def disclosed(template: PaperTemplate, facts: Mapping[str, str], language: str) -> list[tuple[str, str]]:
    """What the public check page says: (label, words) of each fact that is shown."""
    found = []
    for one in template.fields:
        said = facts.get(one["name"], "")
        if said and one["shown"] != "no":
            label = text.pick(one["label"], language) or one["name"]
            found.append((label, masked(said) if one["shown"] == "masked" else said))
    return found
