"""Forms, their versions and fillings, read."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet

from toguna.engines.forms import definition
from toguna.engines.forms.definition import Definition
from toguna.engines.forms.models import Filling, Form, FormVersion
from toguna.engines.forms.uses import ASSIST
from toguna.engines.people import api as people
from toguna.kernel import access
from toguna.kernel.access import Actor


@lru_cache(maxsize=256)
def definition_of(version: int) -> Definition:
    """The definition of a version (its id): read and compiled once in this process, since it never changes.
    Raises FormVersion.DoesNotExist."""
    return definition.read(FormVersion.objects.values_list("definition", flat=True).get(pk=version))


def forms(*, service: str = "", field: bool | None = None) -> QuerySet[Form]:
    """The forms that are offered: published and active, by slug."""
    found = Form.objects.filter(active=True, current__isnull=False).select_related("current")
    found = found.defer("draft", "current__definition", "current__xform").order_by("slug")
    found = found.filter(service=service) if service else found
    return found if field is None else found.filter(field=field)


def field_version(slug: str, version: str = "") -> FormVersion | None:
    """The version that was filled in in the field (the current one when it was not said), also when the form changed or closed
    since: what was gathered is taken."""
    found = (
        FormVersion.objects.filter(form__slug=slug).select_related("form").defer("definition", "xform", "form__draft")
    )
    if version:
        return found.filter(Q(form__field=True) | Q(carried=True), version=version).first()
    return found.filter(form__field=True, pk__in=found.values("form__current")).first()


def may(actor: Actor, filling: Filling, code: str = "") -> bool:
    """Whether the actor may go on with a filling: who began it, for whom it is, the counter; and of one that nobody put a
    name to, whoever has its code."""
    if actor.system or access.can(actor, ASSIST):
        return True
    if actor.account is not None and filling.account == actor.account:
        return True
    if filling.person_id is not None or filling.account is not None:
        return actor.person is not None and filling.person_id == actor.person
    return code != "" and code == filling.code


def known(person: people.Person) -> dict[str, Any]:
    """What the town knows of a person, for the questions that ask it ("prefill"). For their own eyes and the counter's."""
    found: dict[str, Any] = {"person.name": person.name}
    for contact in person.contacts.filter(lost=None).order_by("-verified", "pk"):
        found.setdefault(f"person.{contact.kind}", contact.value)
    if person.zone_id is not None:
        found["person.zone"] = str(person.zone_id)
    return found
