"""The verbs of requests: one is begun, sent, completed when a piece was missing, and becomes a paper or an entry."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.channels.api import Said
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.engines.people import api as people
from toguna.kernel import audit, limits, text
from toguna.kernel.access import Actor
from toguna.services.procedures import deciding, writing
from toguna.services.procedures.casetype import HANDLE, REQUEST
from toguna.services.procedures.models import Procedure, Request

SERVICE = "procedures"
HOUR = timedelta(hours=1)
PER_SENDER, PER_DESK = 20, 400


def online(procedure: Procedure) -> forms.Form | None:
    """The form by which it can be asked for now, on any channel; None: at the counter only, on the town's own paper."""
    return forms.forms(service=SERVICE).filter(slug=procedure.form).first() if procedure.form else None


def begin(
    procedure: Procedure,
    *,
    by: Actor,
    person: people.Person | None = None,
    language: str = "",
    channel: str = "web",
    client_id: uuid.UUID | None = None,
) -> forms.Filling:
    """Opens the form of a procedure. The same client_id again gives the same one. Raises forms.Refused, limits.TooMany."""
    form = online(procedure)
    if form is None:
        raise forms.Refused(_("This procedure is asked for at the counter only."))
    if by.account is not None:
        most = PER_DESK if by.staff else PER_SENDER
        limits.hit("procedures.begin", f"account {by.account}", at_most=most, per=HOUR)
    return forms.open_filling(
        form, by=by, person=person, language=language, channel=channel, client_id=client_id,
        subject=("procedure", procedure.slug),
    )  # fmt: skip


def begin_by_phone(procedure: Procedure, said: Said) -> forms.Filling:
    """The same, in a conversation. Raises forms.Refused, limits.TooMany."""
    form = online(procedure)
    if form is None:
        raise forms.Refused(_("This procedure is asked for at the counter only."))
    limits.hit("procedures.begin", said.address, at_most=PER_SENDER, per=HOUR)
    return forms.open_by_phone(form, said, subject=("procedure", procedure.slug))


def on_complete(filling: forms.Filling, answers: Mapping[str, Any]) -> tuple[str, str]:
    """A form was ended: a new request, or one that was given back and is now completed. Raises forms.Refused."""
    try:
        if filling.subject_kind == "case":
            return _completed(filling, answers)
        return _opened(filling, answers)
    except cases.Refused as error:
        raise forms.Refused(str(error)) from error


def _opened(filling: forms.Filling, answers: Mapping[str, Any]) -> tuple[str, str]:
    slug = filling.version.form.slug
    wanted = Procedure.objects.filter(form=slug)
    # Two procedures may share a form: the one it was begun for. A tablet brings none: then there is one only.
    procedure = wanted.filter(slug=filling.subject).first() or wanted.order_by("order", "pk").first()
    if procedure is None:
        raise forms.Refused(_("No procedure uses this form any more: ask at the town hall."))
    definition = forms.definition_of(filling.version_id)
    name, phone, place = writing.reporter(definition, answers)
    try:
        _kind, number = people.contact(phone or str(filling.facts.get("person.phone", "")))
    except ValidationError:
        number = ""
    where = writing.point(definition, answers)
    asked = cases.Asked(
        type=REQUEST.name,
        topic=topic(procedure),
        place=place,
        lon=where[0] if where else None,
        lat=where[1] if where else None,
        answers=writing.flat(answers),
        language=filling.language,
        channel=filling.channel,
        client_id=filling.client_id,
        name="" if filling.person_id else name,
        phone="" if filling.person_id else number,
        workflow=deciding.slug_of(procedure) if deciding.pattern_of(procedure) else "",
    )
    by = Actor(account=filling.account, person=filling.person_id, name=name)
    case, new = cases.open_case(asked, by=by)
    if new:
        Request.objects.create(case=case, procedure=procedure, filling=filling.pk)
    return "case", case.code


def _completed(filling: forms.Filling, answers: Mapping[str, Any]) -> tuple[str, str]:
    case = cases.Case.objects.select_for_update(of=("self",)).get(type=REQUEST.name, code=filling.subject)
    now, before = writing.flat(answers), case.answers
    changed = sorted(name for name in now.keys() | before.keys() if now.get(name) != before.get(name))
    cases.Case.objects.filter(pk=case.pk).update(answers=now)
    key = cases.key_of(case)
    wanted = cases.wanted_of(case)
    cases.complete(
        case.pk, {name: now.get(name) for name in wanted}, by=Actor(filling.account, filling.person_id), key=key
    )
    cases.add_step(case, "completed", by=Actor(filling.account, filling.person_id), changed=changed[:200])
    return "case", case.code


@transaction.atomic
def reopen(case: cases.Case, *, by: Actor) -> forms.Filling:
    """Gives the form back to whoever asked, when the town waits for a piece from them. The caller has checked that it is
    them, or a clerk. Raises cases.Conflict."""
    row = cases.Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if row.stopped is None:
        raise cases.Conflict(_("The town is not waiting for anything from you."))
    filling = forms.Filling.objects.select_related("version__form").get(pk=case.request.filling)
    return forms.reopen(filling, by=by.as_town())


def topic(procedure: Procedure) -> cases.Topic:
    """That of its requests, made with the procedure: routing rules and lists go by it."""
    found, _made = cases.Topic.objects.update_or_create(
        case_type=REQUEST.name, slug=procedure.slug,
        defaults={"names": procedure.names, "icon": procedure.icon, "days": max(1, procedure.days), "public": False,
                  "near_m": 0, "ask_days": 0, "reopen_days": 0, "order": procedure.order},
    )  # fmt: skip
    return found


@transaction.atomic
def another(case: int, *, by: Actor) -> None:
    """A clerk looked at the entry that is alike, and says that this is somebody else."""
    row = cases.lock(case, HANDLE, by=by)
    Request.objects.filter(case=row).update(another=True)
    cases.add_step(row, "noted", by=by, words=_("Not the same person as the entry that is alike."))


@transaction.atomic
def choose_entry(case: int, entry: int, *, by: Actor) -> None:
    """Which entry of the registers is to be copied."""
    row = cases.lock(case, HANDLE, by=by)
    documents.entry(entry)  # raises when there is none
    Request.objects.filter(case=row).update(entry=entry)
    audit.record(by, "procedures.choose_entry", f"cases.case:{row.pk}", entry=entry)


def issue(case: cases.Case, document: str, by: Actor) -> str:
    """The paper of a decision, in its transaction: its number. Who may decide was asked already; the papers' own rights are
    those of the registry office, so it is the town that issues, in the name of who signs. Raises cases.Refused."""
    request = Request.objects.select_related("procedure", "case").get(case=case)
    language = writing.language_of(case)
    town = by.as_town()
    once = uuid.uuid5(case.client_id, document)
    try:
        if document == "entry" and request.procedure.register == "copy":
            return _copy(request, language, town, once)
        if document == "entry":
            return _enter(request, language, town, once)
        template = documents.find_template(document)
        if template is None:
            raise cases.Refused(_("The paper of this procedure is not written yet: tell the administrator."))
        kinds = {field["name"]: field["kind"] for field in template.fields}
        facts = writing.facts(request, language, kinds)
        holder = facts.get("name", "")
        made = documents.issue(
            document, facts, by=town, signer=by.name, subject=f"cases.case:{case.pk}", language=language, person=case.reporter_id,
            holder=holder, client_id=once,
        )  # fmt: skip
        return made.reference
    except documents.Duplicate as alike:
        raise cases.Refused(_alike(alike)) from alike
    except documents.Refused as error:
        raise cases.Refused(str(error)) from error


def _enter(request: Request, language: str, by: Actor, once: uuid.UUID) -> str:
    facts, words = writing.entry(request, language)
    entry = documents.register_entry(
        request.procedure.register,
        facts,
        words=words,
        by=by,
        officer=by.name,
        confirmed=request.another,
        client_id=once,
    )
    Request.objects.filter(pk=request.pk).update(entry=entry.pk)
    copy = documents.copy_entry(
        entry, by=by, language=language, signer=by.name, client_id=uuid.uuid5(once, "copy"),
        subject=f"cases.case:{request.pk}", person=request.case.reporter_id,
    )  # fmt: skip
    return f"{entry.reference} ({copy.reference})"


def _copy(request: Request, language: str, by: Actor, once: uuid.UUID) -> str:
    if request.entry is None:
        raise cases.Refused(_("Choose first, beside the request, the entry of the register that is to be copied."))
    full = writing.Answers(request, language).value("record.kind") != "extract"
    entry = documents.entry(request.entry)
    copy = documents.copy_entry(
        entry, by=by, full=full, language=language, signer=by.name, client_id=once,
        subject=f"cases.case:{request.pk}", person=request.case.reporter_id,
    )  # fmt: skip
    return copy.reference


def _alike(found: documents.Duplicate) -> str:
    named = ", ".join(f"{one.reference} ({text.clean(str(one.facts.get('name', '')))})" for one in found.entries[:3])
    return _(
        "It may be in the register already: %(entries)s. Look at it; if it is somebody else, say so beside the request and "
        "try again."
    ) % {"entries": named}


def papers(case: cases.Case) -> list[documents.Issued]:
    """What was issued for a request and still holds, the oldest first."""
    return list(documents.papers_of(f"cases.case:{case.pk}").filter(revoked=None))


def form_address(filling: forms.Filling) -> str:
    return reverse("request-form", args=[filling.code])


def counter_address(filling: forms.Filling) -> str:
    return reverse("desk-request-form", args=[filling.code])


def address_of(case: cases.Case) -> str:
    """The page of a request, for whoever holds its key."""
    return f"{reverse('request', args=[case.code])}?key={cases.key_of(case)}"
