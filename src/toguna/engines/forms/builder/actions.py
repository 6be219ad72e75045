"""The verbs of the builder: one change to a form's draft, kept so that it can be undone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.forms import actions
from toguna.engines.forms.actions import Refused
from toguna.engines.forms.builder import editing
from toguna.engines.forms.builder.editing import Data
from toguna.engines.forms.models import DraftStep, Form
from toguna.engines.forms.uses import DESIGN
from toguna.kernel import access, town
from toguna.kernel.access import Actor

KEPT_STEPS = 50


class Changed(Refused):
    """Somebody else changed the form in between."""

    def __init__(self) -> None:
        super().__init__(
            _("Somebody else changed this form in the meantime. Here is how it is now: make your change again.")
        )


def data_of(form: Form) -> Data:
    """The definition that is worked on: the draft, else a copy of what is published, else an empty form."""
    found = form.draft or (form.current.definition if form.current else None)
    return deepcopy(found) if found else editing.new(form.slug, form.titles, town.current().languages)


def revision(data: Mapping[str, Any]) -> str:
    """What a page says it has shown, to tell whether somebody changed the form since."""
    return hashlib.sha256(json.dumps(data, sort_keys=True).encode()).hexdigest()[:16]


@transaction.atomic
def create(slug: str, *, titles: Mapping[str, str], service: str, by: Actor) -> Form:
    """An empty form; the slug that a form has already is refused. Raises Refused, Denied."""
    access.require(by, DESIGN)
    if Form.objects.filter(slug=slug).exists():
        raise Refused(_("There is a form of this name already."))
    return actions.save_draft_form(
        slug, editing.new(slug, titles, town.current().languages), titles=titles, service=service, by=by
    )


@transaction.atomic
def edit(form: Form, seen: str, change: Callable[[Data], str], *, done: str, by: Actor) -> Form:
    """Makes one change to a form's draft; `change` does it in place and says what it was done to, in words. seen: the
    revision of what was shown. Raises Changed, Refused, Denied, editing.Missing."""
    access.require(by, DESIGN)
    locked = _locked(form)
    data = data_of(locked)
    if revision(data) != seen:
        raise Changed
    before = locked.draft
    said = change(data)
    after = revision(data)
    if after == seen:
        return locked
    changed = actions.save_draft_form(form.slug, data, titles=data["titles"], by=by)
    DraftStep.objects.create(form=locked, before=before, after=after, done=done, said=said[:200], account=by.account)
    old = DraftStep.objects.filter(form=locked).order_by("-pk").values_list("pk", flat=True)[KEPT_STEPS:]
    DraftStep.objects.filter(pk__in=list(old)).delete()
    return changed


def last(form: Form, data: Mapping[str, Any]) -> DraftStep | None:
    """What can be undone now."""
    step = DraftStep.objects.filter(form=form).defer("before").order_by("-pk").first()
    return step if step is not None and step.after == revision(data) else None


@transaction.atomic
def undo(form: Form, seen: str, *, by: Actor) -> DraftStep:
    """Takes back the last change. Raises Changed, Denied."""
    access.require(by, DESIGN)
    locked = _locked(form)
    step = DraftStep.objects.filter(form=locked).order_by("-pk").first()
    now = revision(data_of(locked))
    if step is None or not step.after == now == seen:
        raise Changed
    locked.draft = step.before
    back = data_of(locked)
    actions.save_draft_form(form.slug, back, titles=back["titles"], by=by)
    step.delete()
    return step


def _locked(form: Form) -> Form:
    return Form.objects.select_for_update(of=("self",)).select_related("current").get(pk=form.pk)
