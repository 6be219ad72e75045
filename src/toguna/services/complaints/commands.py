"""To complain by words, on any phone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.cases import api as cases
from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.kernel import limits, text
from toguna.kernel.access import NOBODY
from toguna.services.complaints import actions, reads
from toguna.services.complaints.casetype import COMPLAINT


def _what(said: Said, typed: str) -> str:
    words = text.clean(typed)
    if len(words) < 8:
        raise NotUnderstood
    return words[:4000]


def _from_words(said: Said) -> str | None:
    try:
        return _what(said, said.text)
    except NotUnderstood:
        return None


def _kinds(said: Said) -> Sequence[Choice]:
    return [Choice(t.slug, text.pick(t.names)[:34]) for t in reads.topics()]


def _complain(said: Said) -> str:
    topic = next((t for t in reads.topics() if t.slug == said.slots["kind"]), None)
    if topic is None:
        raise Stop(_("The town takes no complaints of this kind any more. Call the town hall."))
    try:
        limits.hit("complaints.open", said.address, at_most=actions.PER_SENDER, per=actions.HOUR)
        asked = cases.Asked(
            type=COMPLAINT.name, topic=topic, text=said.slots["what"], language=said.language, channel=said.medium,
            client_id=uuid.uuid5(uuid.NAMESPACE_OID, said.key),
            phone="" if "@" in said.address else said.address, email=said.address if "@" in said.address else "",
        )  # fmt: skip
        case, _made = actions.complain(asked, by=NOBODY)
    except (cases.Refused, limits.TooMany) as error:
        raise Stop(str(error)) from error
    return _("Complaint received: %(code)s. We answer within %(days)d days, or it goes to the next level.") % {
        "code": case.code, "days": topic.days,
    }  # fmt: skip


COMPLAIN = Command(
    name="complain",
    title=gettext_lazy("Complain"),
    keywords={
        "fr": ("PLAINTE", "RECLAMATION", "PLAINDRE"),
        "pt": ("QUEIXA", "RECLAMACAO"),
        "en": ("COMPLAIN", "COMPLAINT"),
    },
    example={"fr": "PLAINTE", "pt": "QUEIXA", "en": "COMPLAIN"},
    slots=(
        Slot("what", gettext_lazy("What happened? Say when, where and who."), read=_what, guess=_from_words),
        Slot("kind", gettext_lazy("What do you complain of?"), choices=_kinds),
    ),
    run=_complain,
    order=60,
)
