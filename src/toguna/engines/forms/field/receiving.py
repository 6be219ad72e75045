"""What was filled in without network becomes a filling when it gets here: each once, in any order, nothing thrown away.

A record's id was made by the phone and is the filling's `client_id`; that of a file is the file's. So a replay, of the whole or
of what is left after a cut, changes nothing. Nothing is believed: answers are checked as on the web, by the same code.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping
from typing import IO, Any, Literal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions, reads, values
from toguna.engines.forms.definition import SILENT, Definition
from toguna.engines.forms.models import Filling
from toguna.engines.forms.uses import COLLECT
from toguna.kernel import access
from toguna.kernel.access import Actor, Denied


@dataclasses.dataclass(frozen=True)
class Result:
    """state: "sent"; "refused": says why, beside each question in errors, and the phone keeps it to be corrected; "waiting": the
    files in `missing` have to come first."""

    id: str
    state: Literal["sent", "refused", "waiting"]
    says: str = ""
    errors: Mapping[str, str] = dataclasses.field(default_factory=dict)
    missing: tuple[str, ...] = ()
    code: str = ""


def receive(record: Mapping[str, Any], *, by: Actor) -> Result:
    """One record: {id, form, version, language, answers}; a file in the answers is the id that the phone gave it. One
    transaction. Never raises for what is wrong with the record: the result says it."""
    typed = str(record.get("id", ""))[:40]
    try:
        with transaction.atomic():
            return _receive(record, typed, by)
    except actions.Invalid as error:
        return Result(typed, "refused", str(error), errors=error.errors)
    except (actions.Refused, documents.FileRefused) as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not fill in this form."))


def _receive(record: Mapping[str, Any], typed: str, by: Actor) -> Result:
    filling = _opened(record, typed, by)
    if filling.state == Filling.State.COMPLETE:
        return Result(typed, "sent", code=filling.code)
    form = reads.definition_of(filling.version_id)
    answers = record.get("answers")
    if not isinstance(answers, dict):
        raise actions.Refused(_("This cannot be read."))
    if strange := list(values.unknown(form, answers)):
        names = ", ".join(strange[:5])[:200]
        raise actions.Refused(_("The form has no such answers: %(names)s.") % {"names": names})
    wanted = {file for _key, _item, file in values.files(form, answers)}
    kept = _kept(filling, wanted)
    if missing := tuple(sorted(wanted - kept.keys())):
        return Result(typed, "waiting", _("A photo or a file of it has not come yet."), missing=missing)
    given = {**_emptied(form), **values.with_files(form.items, answers, kept)}
    done = actions.complete(filling, by=by, answers=given, device=True)
    return Result(typed, "sent", code=done.code)


def _emptied(form: Definition) -> dict[str, None]:
    """What the phone does not send was taken away there, a default too; but the town's own clock stays where the phone's is wrong."""
    return {item.name: None for item in form.items if item.kind not in SILENT and item.kind != "note"}


def keep_file(about: Mapping[str, Any], stream: IO[bytes], name: str, *, by: Actor) -> Result:
    """One photo or file, which comes before its record: {id, record, form, version, language}. Never raises for what is wrong."""
    typed = str(about.get("id", ""))[:40]
    try:
        once = _uuid(typed)
        with transaction.atomic():
            filling = _opened(about, str(about.get("record", "")), by)
            if filling.state != Filling.State.COMPLETE and typed not in _kept(filling, {typed}):
                actions.keep_file(filling, stream, name, by=by, client_id=once)
        return Result(typed, "sent")
    except (actions.Refused, documents.FileRefused) as error:
        return Result(typed, "refused", str(error))
    except Denied:
        return Result(typed, "refused", _("You may not fill in this form."))


def _opened(about: Mapping[str, Any], client_id: str, by: Actor) -> Filling:
    """The filling of a record, with the form as it was when the phone fetched it. Raises Refused, Denied."""
    access.require(by, COLLECT, anywhere=True)
    once = _uuid(client_id)
    version = reads.field_version(str(about.get("form", ""))[:64], str(about.get("version", ""))[:32])
    if version is None:
        raise actions.Refused(_("This town has no such form, or not in this version: fetch the form again."))
    language = str(about.get("language", ""))
    filling = actions.open_filling(
        version.form, by=by, channel="field", client_id=once, version=version,
        language=language if language in dict(settings.LANGUAGES) else "",
    )  # fmt: skip
    if filling.account != by.account or filling.version_id != version.pk:
        raise actions.Refused(_("Another form was sent with this number."))
    return filling


def _uuid(typed: str) -> uuid.UUID:
    try:
        return uuid.UUID(typed)
    except ValueError:
        raise actions.Refused(_("This record has no number: it cannot be taken.")) from None


def _kept(filling: Filling, wanted: set[str]) -> dict[str, str]:
    """{the phone's id: the file's} of those that are here."""
    ids: dict[uuid.UUID, str] = {}
    for typed in wanted:
        try:
            ids[uuid.UUID(typed)] = typed
        except ValueError:
            raise actions.Refused(_("A file of this form is not there any more: send it again.")) from None
    rows = documents.files_of((actions.SUBJECT, filling.pk)).filter(client_id__in=list(ids)) if ids else ()
    return {ids[row.client_id]: str(row.public_id) for row in rows if row.client_id is not None}
