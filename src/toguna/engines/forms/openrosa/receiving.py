"""What ODK Collect sends becomes a filling, the same as one filled in on the web."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import IO

from django.db import transaction
from django.utils.translation import gettext as _

from toguna.engines.documents import api as documents
from toguna.engines.forms import actions, reads, values
from toguna.engines.forms.models import Filling, FormVersion
from toguna.engines.forms.openrosa import instances
from toguna.engines.forms.openrosa.instances import BadInstance
from toguna.engines.forms.uses import COLLECT
from toguna.kernel import access
from toguna.kernel.access import Actor


@transaction.atomic
def receive(
    xml: bytes, files: Mapping[str, IO[bytes]], *, by: Actor, more_to_come: bool = False, language: str = ""
) -> tuple[Filling, bool]:
    """(the filling, whether it was there whole already). files: by their name on the phone; more_to_come: others follow in
    another request, with the same XML. The same again changes nothing. Raises BadInstance, actions.Refused and Invalid,
    documents.FileRefused, Denied: then nothing is kept of this request, and the phone keeps it all."""
    access.require(by, COLLECT, anywhere=True)
    instance = instances.read(xml)
    version = _version(instance)
    form = reads.definition_of(version.pk)
    filling = actions.open_filling(
        version.form,
        by=by,
        language=language,
        channel="odk",
        client_id=instance.client_id,
        version=version,
    )
    if filling.version_id != version.pk:
        raise BadInstance(_("Another form was sent with this instanceID."))
    if filling.state == Filling.State.COMPLETE:
        return filling, True
    found = instances.answers(form, instance.root)
    wanted = {name for _key, _item, name in values.files(form, found.values)}
    for name, stream in files.items():
        if name in wanted:  # what no answer names is no answer: the phone's audit of its own screens, say
            actions.keep_file(filling, stream, name, by=by, client_id=_file_id(filling, name))
    kept = _kept(filling, wanted)
    if more_to_come:
        return filling, False
    if missing := sorted(wanted - kept.keys()):
        raise BadInstance(_("The file “%(name)s” did not come: send the form again.") % {"name": missing[0][:80]})
    if found.wrong:
        raise actions.Invalid(found.wrong)
    answers = values.with_files(form.items, found.values, kept)
    return actions.complete(filling, by=by, answers=answers, device=True), False


def _version(instance: instances.Instance) -> FormVersion:
    version = reads.field_version(instance.form, instance.version)
    if version is None:
        raise BadInstance(_("This town has no such form, or not in this version: fetch the form again."))
    return version


def _file_id(filling: Filling, name: str) -> uuid.UUID:
    return uuid.uuid5(filling.client_id, name)


def _kept(filling: Filling, names: set[str]) -> dict[str, str]:
    ids = {_file_id(filling, name): name for name in names}
    rows = documents.files_of((actions.SUBJECT, filling.pk)).filter(client_id__in=ids) if ids else ()
    return {ids[row.client_id]: str(row.public_id) for row in rows if row.client_id is not None}
