"""The verbs of `forms`: a form is written and published, a filling is opened, saved page by page and ended."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import IO, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.engines.forms import definition as definitions
from toguna.engines.forms import plan, reads, uses, values
from toguna.engines.forms.definition import Definition
from toguna.engines.forms.events import FormCompleted, FormPublished
from toguna.engines.forms.models import Filling, Form, FormVersion
from toguna.engines.forms.uses import COLLECT, DESIGN
from toguna.engines.forms.values import Filled
from toguna.engines.forms.xlsform import writing
from toguna.engines.people import api as people
from toguna.kernel import access, audit, codes, events, turns
from toguna.kernel.access import SYSTEM, Actor, Denied

SUBJECT = "forms.filling"
LARGEST_ANSWERS, LARGEST_FILE, MOST_FILES = 1 << 20, 10 << 20, 40  # bytes, bytes, files of one filling
KEPT_DRAFTS = timedelta(days=90)


class Refused(Exception):
    """It cannot be done: str() says why. problems: each thing that is wrong, in words."""

    def __init__(self, said: str, problems: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.problems = problems


class Conflict(Refused):
    """Somebody saved in between: `filling` as it is now."""

    def __init__(self, filling: Filling) -> None:
        super().__init__(_("These answers were changed in another window. Look at them, then save again."))
        self.filling = filling


class Invalid(Refused):
    """The answers are not what the form asks: errors is {"children.0.name": sentence}."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(_("Some answers need to be corrected."), tuple(errors.values()))
        self.errors = dict(errors)


# --- The form ------------------------------------------------------------------------------------------------------


@transaction.atomic
def save_draft_form(
    slug: str,
    definition: Mapping[str, Any],
    *,
    by: Actor,
    service: str = "",
    titles: Mapping[str, str] | None = None,
    field: bool | None = None,
    active: bool | None = None,
) -> Form:
    """Writes what somebody works on; nothing that is published changes. What is not given stays. Raises Refused, Denied."""
    access.require(by, DESIGN)
    if len(json.dumps(definition)) > 4 * LARGEST_ANSWERS:
        raise Refused(_("This form is too long."))
    form = Form.objects.select_for_update().filter(slug=slug).first()
    if form is None:
        if not service:
            raise Refused(_("Say which service uses this form."))
        form = Form.objects.create(slug=slug, service=service)
    form.draft = dict(definition)
    form.titles = dict(titles if titles is not None else definition.get("titles", {}) or form.titles)
    form.service = service or form.service
    form.field = form.field if field is None else field
    form.active = form.active if active is None else active
    form.updated = timezone.now()
    form.save()
    audit.record(by, "forms.design", f"forms.form:{form.pk}")
    return form


def problems(data: Any) -> tuple[str, ...]:
    """All that is wrong with a definition, in words for whoever wrote it."""
    found = tuple(definitions.problems(data))
    return found or tuple(plan.problems(definitions.read(data)))


@transaction.atomic
def publish(form: Form, *, by: Actor) -> FormVersion:
    """A new version of the form's draft; that which is the same as the current one gives the current one. Drafts of people
    stay on theirs (see `renew`). Raises Refused with its problems, Denied."""
    access.require(by, DESIGN)
    locked = Form.objects.select_for_update(of=("self",)).select_related("current").get(pk=form.pk)
    if locked.draft is None:
        raise Refused(_("There is nothing to publish: the form has no draft."))
    if locked.current is not None and locked.current.definition == {**locked.draft, "name": locked.slug}:
        return locked.current
    found = problems(locked.draft)
    if found:
        raise Refused(_("This form cannot be published yet."), found)
    made = {**locked.draft, "name": locked.slug}
    day = timezone.localdate().strftime("%Y%m%d")
    number = f"{day}{FormVersion.objects.filter(form=locked, version__startswith=day).count() + 1:02}"
    try:
        xform, md5 = writing.xform(definitions.read(made), version=number)
    except writing.NotAnXForm as bad:
        raise Refused(_("This form cannot be published yet."), (str(bad),)) from bad
    version = FormVersion.objects.create(
        form=locked, version=number, definition=made, xform=xform, hash=md5, account=by.account
    )
    Form.objects.filter(pk=locked.pk).update(current=version, updated=timezone.now())
    audit.record(by, "forms.publish", f"forms.form:{locked.pk}", version=number)
    events.publish(FormPublished(locked.slug, number))
    return version


@transaction.atomic
def offer(form: Form, *, by: Actor, active: bool | None = None, field: bool | None = None) -> Form:
    """Opens or closes a form to new people, and shows it in ODK Collect or not. What is under way goes on. Raises Denied."""
    access.require(by, DESIGN)
    locked = Form.objects.select_for_update(of=("self",)).get(pk=form.pk)
    wanted = (locked.active if active is None else active, locked.field if field is None else field)
    if wanted != (locked.active, locked.field):
        if locked.field and not wanted[1]:  # what is being gathered with it is still taken
            FormVersion.objects.filter(form=locked).update(carried=True)
        locked.active, locked.field = wanted
        locked.save(update_fields=["active", "field"])
        audit.record(by, "forms.offer", f"forms.form:{locked.pk}", active=wanted[0], field=wanted[1])
    return locked


# --- The filling ---------------------------------------------------------------------------------------------------


@transaction.atomic
def open_filling(
    form: Form,
    *,
    by: Actor,
    person: people.Person | None = None,
    language: str = "",
    channel: str = "web",
    facts: Mapping[str, Any] | None = None,
    subject: uses.Subject = ("", ""),
    client_id: uuid.UUID | None = None,
    version: FormVersion | None = None,
) -> Filling:
    """Begins to fill in a form; the same client_id again gives the same filling. facts: what the service already knows and
    whoever fills it in may not change. What the town knows of `person` is written in only before themselves and the
    counter. version: of a form that was fetched before it changed. Raises Refused, Denied."""
    if client_id is not None:
        turns.one_at_a_time(f"forms.filling {client_id}")
        before = Filling.objects.filter(client_id=client_id).select_related("version__form").first()
        if before is not None:
            _require(before, by, before.code if before.account is None and before.person_id is None else "")
            return before
    if version is None:
        if not form.active or form.current is None:
            raise Refused(_("This form is closed: ask at the town hall."))
        version = form.current
    told = dict(facts or {})
    if person is not None and (by.staff or by.system or by.person == person.pk):
        told = {**reads.known(person), **told}
    filled = values.evaluate(
        reads.definition_of(version.pk), {}, now=timezone.localtime(), language=language, fresh=True, facts=told
    )
    filling = Filling.objects.create(
        code=_free_code(),
        client_id=client_id or uuid.uuid4(),
        version=version,
        values=filled.answers,
        facts=dict(facts or {}),
        language=language,
        channel=channel,
        person=person,
        account=by.account,
        subject_kind=subject[0],
        subject=subject[1],
    )
    audit.record(by, "forms.open", f"{SUBJECT}:{filling.pk}")
    return filling


def evaluated(filling: Filling) -> Filled:
    """The answers of a filling, with what follows from them now."""
    form = reads.definition_of(filling.version_id)
    return values.evaluate(form, filling.values, now=timezone.localtime(), language=filling.language)


@transaction.atomic
def save(
    filling: Filling,
    answers: Mapping[str, Any],
    *,
    by: Actor,
    revision: int,
    code: str = "",
    page: int | None = None,
) -> tuple[Filling, Filled, dict[str, str]]:
    """Writes the answers of a page over those there are (items of the first level; None takes one away), wrong or not: what
    is wrong comes back beside them and is asked again at the end. revision: that of the answers that were shown.
    Raises Conflict, Refused, Denied."""
    locked = _locked(filling, by, code)
    if locked.state == Filling.State.COMPLETE:
        raise Refused(_("This form was sent: it cannot be changed any more."))
    if locked.revision != revision:
        raise Conflict(locked)
    form = reads.definition_of(locked.version_id)
    filled = _merged(form, locked, answers)
    seen = locked.seen if page is None or page in locked.seen else [*locked.seen, page]
    _write(locked, filled.answers, seen=seen)
    pages = form.pages()
    only = pages[page] if page is not None and 0 <= page < len(pages) else None
    return locked, filled, values.check(form, filled, only=only, language=locked.language)


@transaction.atomic
def complete(
    filling: Filling,
    *,
    by: Actor,
    code: str = "",
    answers: Mapping[str, Any] | None = None,
    revision: int | None = None,
    device: bool = False,
) -> Filling:
    """Ends a filling: everything is checked, what is not relevant is left out, and the service makes of it what it is for,
    all in one transaction. Ending it again changes nothing. device: the answers come from a device of the town, which tells
    when it began and what it is too. Raises Invalid, Conflict, Refused, Denied."""
    locked = _locked(filling, by, code)
    if locked.state == Filling.State.COMPLETE:
        return locked
    if revision is not None and locked.revision != revision:
        raise Conflict(locked)
    form = reads.definition_of(locked.version_id)
    filled = _merged(form, locked, answers or {}, device=device)
    if errors := values.check(form, filled, language=locked.language):
        raise Invalid(errors)
    final = filled.final()
    ends = [item for item in form.items if item.kind == "end"]
    final |= {
        item.name: timezone.localtime().isoformat(timespec="milliseconds") for item in ends if item.name not in final
    }
    _write(locked, final, state=Filling.State.COMPLETE, completed=timezone.now())
    use = uses.of(locked.version.form.service)
    if use is not None:
        locked.subject_kind, locked.subject = use.on_complete(locked, final)
        locked.save(update_fields=["subject_kind", "subject"])
    audit.record(by, "forms.complete", f"{SUBJECT}:{locked.pk}")
    form_row = locked.version.form
    events.publish(FormCompleted(locked.pk, form_row.slug, form_row.service, locked.subject_kind, locked.subject))
    return locked


@transaction.atomic
def reopen(filling: Filling, *, by: Actor, code: str = "") -> Filling:
    """Gives what was sent back to whoever filled it in, to be completed: the same answers, ended again by `complete`, which
    hands them to the service with the subject they have. Doing it twice changes nothing. Raises Denied."""
    locked = _locked(filling, by, code)
    if locked.state == Filling.State.COMPLETE:
        _write(locked, locked.values, state=Filling.State.DRAFT, seen=[])
        audit.record(by, "forms.reopen", f"{SUBJECT}:{locked.pk}")
    return locked


@transaction.atomic
def renew(filling: Filling, *, by: Actor, code: str = "") -> bool:
    """Moves a draft to the current version of its form where all its answers fit there; says whether it is on it now.
    Where they do not, the draft goes on with the form that it was begun with."""
    locked = _locked(filling, by, code)
    current = locked.version.form.current_id
    if locked.state == Filling.State.COMPLETE or current is None or current == locked.version_id:
        return current == locked.version_id
    form = reads.definition_of(current)
    if any(values.unknown(form, locked.values)):
        return False
    before = values.check(reads.definition_of(locked.version_id), evaluated(locked))
    now = values.evaluate(form, locked.values, now=timezone.localtime(), language=locked.language, fresh=True)
    after = values.check(form, now)
    if any(now.value(_key(name)) not in (None, "", []) for name in after.keys() - before.keys()):
        return False  # an answer that was right is wrong there
    Filling.objects.filter(pk=locked.pk).update(
        version=current, values=now.answers, seen=[], revision=locked.revision + 1
    )
    audit.record(by, "forms.renew", f"{SUBJECT}:{locked.pk}", version=current)
    return True


def keep_file(
    filling: Filling, stream: IO[bytes], name: str, *, by: Actor, code: str = "", client_id: uuid.UUID | None = None
) -> str:
    """Keeps a file that somebody answers with; what it gives is the answer. Raises Refused, documents.FileRefused, Denied."""
    _require(filling, by, code)
    if filling.state == Filling.State.COMPLETE:
        raise Refused(_("This form was sent: it cannot be changed any more."))
    size = stream.seek(0, 2)
    stream.seek(0)
    if size > LARGEST_FILE:
        raise Refused(_("This file is larger than %(megabytes)d MB.") % {"megabytes": LARGEST_FILE >> 20})
    if documents.files_of((SUBJECT, filling.pk)).count() >= MOST_FILES:
        raise Refused(_("There are too many files in this form."))
    # By the system: who may answer with a file was asked above, and a code may be all that they have.
    kept = documents.keep(stream, name, subject=(SUBJECT, filling.pk), by=SYSTEM, client_id=client_id)
    return str(kept.public_id)


# --- What time and people take away --------------------------------------------------------------------------------


def delete_old_drafts() -> None:
    """Drafts that nobody touched for 90 days, with their files; each in its own transaction."""
    # What was sent once and given back to be completed is not a draft that somebody forgot.
    old = Filling.objects.filter(state=Filling.State.DRAFT, completed=None, updated__lt=timezone.now() - KEPT_DRAFTS)
    for pk in list(old.values_list("pk", flat=True)[:1000]):
        with transaction.atomic():
            locked = old.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk).first()
            if locked is not None:
                _delete(locked, "draft")


def erase(person: int) -> None:
    """A person is erased: their drafts go; of what was sent the answers go, and its files. What a service made of them is
    that service's to erase."""
    for filling in Filling.objects.select_for_update(of=("self",)).filter(person_id=person):
        if filling.completed is None:
            _delete(filling, "erasure")
            continue
        _delete_files(filling, "erasure")
        Filling.objects.filter(pk=filling.pk).update(values={}, facts={}, person=None)


def export(person: int) -> list[dict[str, Any]]:
    rows = Filling.objects.filter(person_id=person).select_related("version__form").order_by("pk")
    return [
        {"form": row.version.form.slug, "state": row.state, "started": row.started.isoformat(), "answers": row.values}
        for row in rows.defer("version__definition", "version__xform", "version__form__draft")
    ]


def may_read_files(actor: Actor, filling: int) -> bool:
    """Of the desk, of who filled it in, and of the person it is for."""
    row = Filling.objects.filter(pk=filling).first()
    return row is not None and reads.may(actor, row)


def _delete(filling: Filling, reason: str) -> None:
    _delete_files(filling, reason)
    audit.record(SYSTEM, "forms.delete", f"{SUBJECT}:{filling.pk}", reason=reason)
    filling.delete()


def _delete_files(filling: Filling, reason: str) -> None:
    for file in documents.files_of((SUBJECT, filling.pk)).filter(held=None):
        documents.destroy(file, reason, SYSTEM)


def _key(name: str) -> tuple[str | int, ...]:
    return tuple(int(part) if part.isdigit() else part for part in name.split("."))


def _merged(form: Definition, filling: Filling, answers: Mapping[str, Any], *, device: bool = False) -> Filled:
    """The answers of a filling with these over them, evaluated. Raises Refused."""
    silent = set() if device else {item.name for item in form.items if item.kind in definitions.SILENT}
    given = {key: value for key, value in answers.items() if key not in silent}
    merged = {key: value for key, value in {**filling.values, **given}.items() if value is not None}
    strange = list(values.unknown(form, merged))
    if strange:
        raise Refused(_("The form has no such answers: %(names)s.") % {"names": ", ".join(strange[:5])[:200]})
    if len(json.dumps(merged)) > LARGEST_ANSWERS:
        raise Refused(_("These answers are too long."))
    if any(item.kind in definitions.MEDIA for item in form.walk()):
        _only_own_files(form, filling, merged)
    return values.evaluate(form, merged, now=timezone.localtime(), language=filling.language)


def _only_own_files(form: Definition, filling: Filling, answers: Mapping[str, Any]) -> None:
    """Nobody answers with somebody else's file, whose id they may have seen."""
    wanted = {file for _at, _item, file in values.files(form, answers)}
    own = {str(file.public_id) for file in documents.files_of((SUBJECT, filling.pk))} if wanted else set()
    if wanted - own:
        raise Refused(_("A file of this form is not there any more: send it again."))


def _write(filling: Filling, answers: dict[str, Any], **more: Any) -> None:
    filling.values, filling.revision, filling.updated = answers, filling.revision + 1, timezone.now()
    for name, value in more.items():
        setattr(filling, name, value)
    filling.save(update_fields=["values", "revision", "updated", *more])


def _locked(filling: Filling, by: Actor, code: str) -> Filling:
    rows = Filling.objects.select_for_update(of=("self",)).select_related("version__form")
    rows = rows.defer("version__definition", "version__xform", "version__form__draft")
    locked = rows.get(pk=filling.pk)
    _require(locked, by, code)
    return locked


def _require(filling: Filling, by: Actor, code: str) -> None:
    if not reads.may(by, filling, code):
        raise Denied(by, COLLECT)


def _free_code() -> str:
    while True:
        made = codes.make(8)
        if not Filling.objects.filter(code=made).exists():
            return made
