"""An act by words: ARRETE 2023-014 gives what it is about, whether it is in force, and where it is."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels import api as channels
from toguna.engines.documents.library import reads
from toguna.engines.documents.models.library import Act


def _read(said: channels.Said, typed: str) -> str:
    if not reads.named(typed):
        raise channels.NotUnderstood(_("No act has this number. Send it as in: 2023-014"))
    return typed.strip()[:80]


def _guess(said: channels.Said) -> str | None:
    return said.text.strip()[:80] if reads.named(said.text) else None


def _answer(said: channels.Said) -> str:
    found = reads.named(str(said.slots["number"]))
    if not found:
        return _("No act has this number. Send it as in: 2023-014")
    return "\n".join(_one(act, 300 // len(found) - 60) for act in found[:2])


def _one(act: Act, most: int) -> str:
    day = reads.today()
    address = settings.TOGUNA_URL + reverse("act", args=[act.kind, act.year, act.padded])
    subject = act.subject if len(act.subject) <= most else act.subject[: most - 3].rsplit(" ", 1)[0] + "..."
    return f"{act.title}: {subject}. {reads.standing(act, day).title}. {address}"


COMMANDS = (
    channels.Command(
        "act",
        gettext_lazy("look up a by-law"),
        {
            "fr": ("arrete", "deliberation", "acte"),
            "pt": ("deliberacao", "postura", "ato"),
            "en": ("bylaw", "act", "decision"),
        },
        _answer,
        slots=(channels.Slot("number", gettext_lazy("Which number? For example 2023-014"), read=_read, guess=_guess),),
        example={"fr": "ARRETE 2023-014", "pt": "POSTURA 2023-014", "en": "BYLAW 2023-014"},
        menu=False,
        order=120,
    ),
)
