"""The verbs of alerts that nobody signed: to give one, to come back to it with its key, to write more."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import timedelta

from django.db import transaction
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import codes, limits, text
from toguna.kernel.access import NOBODY
from toguna.services.integrity.casetype import ALERT
from toguna.services.integrity.models import Alert

HOUR = timedelta(hours=1)
PER_HOUR = 300  # of all together: who sends is not looked at
KEY_LENGTH = 12  # of 28 signs: no chance of guessing one


def _digest(key: str) -> str:
    return hashlib.sha256(f"integrity.alert\0{key}".encode()).hexdigest()


@transaction.atomic
def alert(words: str, *, client_id: uuid.UUID, language: str) -> tuple[cases.Case, str]:
    """Takes an alert on corruption from nobody: no account, device, address or telephone is looked at or kept.

    (case, the key to come back with). The key is said once. The same form a second time: (case, "")."""
    limits.hit("integrity.alert", "everyone", at_most=PER_HOUR, per=HOUR)
    topic = cases.Topic.objects.get(case_type=ALERT.name, slug="corruption")
    asked = cases.Asked(type=ALERT.name, topic=topic, text=words, language=language, client_id=client_id)
    case, made = cases.open_case(asked, by=NOBODY)
    if not made:
        return case, ""
    key = "".join(secrets.choice(codes.ALPHABET) for _n in range(KEY_LENGTH))
    Alert.objects.create(case=case, digest=_digest(key))
    return case, key


def opened_by(code: str, key: str) -> cases.Case | None:
    """The alert that this code and key open. Tries are counted by code, never by who tries."""
    found = Alert.objects.select_related("case__topic").filter(case__code=codes.read(code)).first()
    limits.hit("integrity.key", code[:12], at_most=20, per=HOUR)
    if found is None or not constant_time_compare(_digest(codes.read(key)), found.digest):
        return None
    return found.case


@transaction.atomic
def write_back(case: cases.Case, words: str) -> None:
    """More words from whoever holds the key: to the ombudsman, as those of nobody. Raises Refused."""
    words = text.clean(words)[:4000]
    if not words:
        raise cases.Refused(_("Write something first."))
    row = cases.Case.objects.select_for_update(of=("self",)).get(pk=case.pk)
    if not row.open:
        raise cases.Refused(_("This case is closed. Open a new one."))
    cases.add_step(row, "answered", by=NOBODY, words=words, public=True, reporter=True)
