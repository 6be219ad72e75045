"""What to bring, what it costs: by words, on any phone."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from toguna.engines.channels.api import Choice, Command, NotUnderstood, Said, Slot, Stop
from toguna.engines.forms import api as forms
from toguna.kernel import money, text
from toguna.services.procedures import catalogue, requesting

MOST = 5
LONGEST = 300  # two SMS: a list of what to bring is worth them


def _known(said: Said) -> str | None:
    found = catalogue.found(said.text)
    return found[0].slug if found else None


def _read(said: Said, typed: str) -> str:
    found = catalogue.found(typed)
    if not found:
        raise NotUnderstood(_("We do not know this procedure. Send one word of it, such as: birth, residence, taxi."))
    return found[0].slug


def _offered(said: Said) -> Sequence[Choice]:
    return [Choice(p.slug, text.pick(p.names)[:34]) for p in catalogue.procedures()]


def _tell(said: Said) -> str:
    one = catalogue.procedure(said.slots["which"])
    if one is None:
        raise Stop(_("This procedure is not offered. Look for it in the list."))
    cost = money.shown(one.cost, plain=True) if one.cost else _("Free")
    days = ngettext("%(n)d day", "%(n)d days", one.days) % {"n": one.days}
    head = f"{text.pick(one.names)}: {cost}, {days}."
    bring = "; ".join(text.pick(words) for words in one.bring)
    words = " ".join([head, _("Bring:") + " " + bring]) if bring else head
    if len(words) > LONGEST:
        link = f"{settings.TOGUNA_URL}{reverse('procedure', args=[one.slug])}"
        words = f"{words[: LONGEST - len(link) - 4].rstrip()}... {link}"
    return words


PROCEDURES = Command(
    name="procedures",
    title=gettext_lazy("What to bring for a paper"),
    keywords={
        "fr": ("PAPIER", "PAPIERS", "DEMARCHE", "DEMARCHES", "PIECES"),
        "pt": ("PAPEL", "PAPEIS", "TRAMITE", "DOCUMENTOS"),
        "en": ("PAPER", "PAPERS", "PROCEDURE"),
    },
    example={"fr": "PAPIER naissance", "pt": "PAPEL nascimento", "en": "PAPER birth"},
    slots=(Slot("which", gettext_lazy("For what?"), read=_read, guess=_known),),
    menu_slots=(Slot("which", gettext_lazy("For what?"), choices=_offered),),
    run=_tell,
    order=55,
)


# To ask for one


def _forms(said: Said) -> Sequence[tuple[str, str]]:
    offered = set(forms.forms(service=requesting.SERVICE).values_list("slug", flat=True))
    return [(p.form, text.pick(p.names)) for p in catalogue.procedures() if p.form in offered]


def _meant(said: Said, typed: str) -> str | None:
    offered = dict(_forms(said))
    return next((p.form for p in catalogue.found(typed) if p.form in offered), None)


def _begin(form: str, said: Said) -> forms.Filling:
    procedure = next((p for p in catalogue.procedures() if p.form == form), None)
    if procedure is None:
        raise forms.Refused(_("This procedure is not offered. Look for it in the list."))
    return requesting.begin_by_phone(procedure, said)


def _sent(filling: forms.Filling) -> str:
    return _("Your request is received: %(code)s. To know where it is, send %(follow)s %(code)s") % {
        "code": filling.subject, "follow": _("FOLLOW"),
    }  # fmt: skip


ASK = forms.phone_command(
    forms.Talk(requesting.SERVICE, _forms, _meant, _begin, _sent),
    name="ask-procedure",
    title=gettext_lazy("ask for a paper"),
    keywords={
        "fr": (
            "DEMANDE",
            "DEMANDER",
            "DECLARER",
            "CERTIFICAT",
            "ACTE DE",
            "ACTE NAISSANCE",
            "ACTE MARIAGE",
            "ACTE DECES",
        ),
        "pt": ("PEDIDO", "PEDIR", "DECLARAR", "CERTIDAO"),
        "en": ("REQUEST", "APPLY", "DECLARE", "CERTIFICATE"),
    },
    example={"fr": "DEMANDE résidence", "pt": "PEDIDO residência", "en": "REQUEST residence"},
    order=50,
)
