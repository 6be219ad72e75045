"""Is this paper genuine? What the town says of a code, of a QR, of a file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels import api as channels
from toguna.engines.documents.issuing import seal, templates
from toguna.engines.documents.models.issuing import Issued
from toguna.kernel import codes, text

LARGEST = 10_000_000


@dataclass(frozen=True)
class Checked:
    """state: valid, revoked, replaced; by: the code of the paper in its place; shown: what is said of its facts, masked."""

    code: str
    state: str
    title: str
    reference: str
    day: date
    taken_back: date | None = None
    reason: str = ""
    by: str = ""
    duplicates: int = 0
    shown: list[tuple[str, str]] = field(default_factory=list)


def check(code: str, language: str = "") -> Checked | None:
    """What anyone may know of a paper; None when no paper has this code."""
    made = Issued.objects.select_related("template", "replaced_by").filter(code=codes.read(code[:40])).first()
    if made is None:
        return None
    after = getattr(made, "replaced_by", None)
    return Checked(
        code=made.code,
        state="replaced" if after else "revoked" if made.revoked else "valid",
        title=text.pick(made.template.title, language or None),
        reference=made.reference,
        day=made.day,
        taken_back=timezone.localdate(made.revoked) if made.revoked else None,
        reason=made.reason,
        by=after.code if after else "",
        duplicates=made.duplicates,
        shown=templates.disclosed(made.template, made.facts, language or ""),
    )


def check_qr(code: str, said: str) -> bool:
    """Whether a QR says what the town signed, of the paper whose code it bears."""
    facts = seal.heard(said)
    if facts is None or len(facts) != 5 or facts[0] != codes.read(code[:40]):
        return False
    made = Issued.objects.select_related("template").filter(code=facts[0]).first()
    return made is not None and facts[2:4] == [made.reference, made.day.isoformat()]


def same_file(code: str, raw: bytes) -> bool:
    """Whether this is the very file the town issued, to the last byte."""
    return Issued.objects.filter(code=codes.read(code[:40]), sha256=hashlib.sha256(raw).hexdigest()).exists()


def _read(said: channels.Said, typed: str) -> str:
    code = codes.read(typed[:40])
    if len(code) != 8:
        raise channels.NotUnderstood(_("Send the 8 letters and figures that stand at the foot of the paper."))
    return code


def _guess(said: channels.Said) -> str | None:
    code = codes.read(said.text[:40])
    return code if len(code) == 8 and len(said.text) <= 12 else None


def _answer(said: channels.Said) -> str:
    found = check(str(said.slots["code"]))
    if found is None:
        return _("No paper has the code %(code)s. If a paper bears it, it is not the town's.") % {
            "code": said.slots["code"]
        }
    about = {"title": found.title, "number": found.reference, "day": found.day.isoformat(), "reason": found.reason}
    if found.state == "valid":
        return _("Genuine and valid: %(title)s %(number)s of %(day)s.") % about
    return _("No longer valid: %(title)s %(number)s of %(day)s. %(reason)s") % about


COMMANDS = (
    channels.Command(
        "check-paper",
        gettext_lazy("check a paper of the town"),
        {"fr": ("verifier", "verifie"), "pt": ("verificar",), "en": ("verify",)},
        _answer,
        slots=(
            channels.Slot(
                "code", gettext_lazy("Which code stands at the foot of the paper?"), read=_read, guess=_guess
            ),
        ),
        example={"fr": "VERIFIER K7M4 XXAC", "pt": "VERIFICAR K7M4 XXAC", "en": "VERIFY K7M4 XXAC"},
        menu=False,
        order=125,
    ),
)
