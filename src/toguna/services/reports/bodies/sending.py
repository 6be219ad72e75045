"""Reports on their way to another body: sent once, however often the line breaks.

What was posted without a clear answer may have been taken: before it is posted again it is looked for in what the body
publishes, by our mark at the end of its words. `Transfer.sent` is set while that doubt is open.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from django.conf import settings
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.kernel import tasks, text, town
from toguna.services.reports.bodies.client import Peer, Trouble
from toguna.services.reports.models import Body, RemoteUpdate, Transfer

# After the first try; each longer than two calls can last, so that no two tries ever overlap.
WAITS = tuple(timedelta(minutes=m) for m in (2, 10, 30, 120, 360, 720, 1440, 2880))
EARLIER = timedelta(days=1)  # their clock may be behind ours
MOST_WORDS = 3500


def mark(case: cases.Case) -> str:
    """What our words to another body end with: by it the report is known again there, and here when it comes back."""
    return f"[{' '.join(town.current().name.split())} {case.code}]"


def name_of(body: Body, case: cases.Case) -> str:
    return text.pick(body.names, case.language or settings.LANGUAGE_CODE) or body.slug


def peer(body: Body) -> Peer:
    return Peer(body.endpoint, jurisdiction=body.jurisdiction, api_key=body.api_key)


def due(row: Transfer) -> bool:
    """Whether it is time for the next try."""
    return timezone.now() >= row.created + sum(WAITS[: row.attempts], timedelta())


@tasks.task
def send(transfer: int) -> None:
    """Tries once, when it is time. Run twice at once, or again after a crash, it sends once."""
    with transaction.atomic():
        row = Transfer.objects.select_for_update(of=("self",), skip_locked=True).filter(pk=transfer).first()
        if row is None or row.state != Transfer.State.WAITING or not due(row):
            return
        case = cases.Case.objects.select_related("topic", "zone").get(pk=row.case_id)
        if case.anonymised is not None or not case.open:
            _end(row, Transfer.State.CLOSED)
            return
        if not row.body.active:
            _end(row, Transfer.State.REFUSED, _("This body is switched off."))
            return
        if not row.body.endpoint:
            _mail(row, case)
            return
        doubt, row.attempts = row.sent, row.attempts + 1
        row.sent = doubt or timezone.now()
        row.save(update_fields=["attempts", "sent"])
    there = peer(row.body)
    try:
        number, token = "", ""
        if doubt is not None:
            since = min(doubt, row.created) - EARLIER
            number = there.find(mark(case), service_code=row.service_code, since=since)
        if not number:
            number, token = there.post({**_fields(row, case), **_attributes(case)})
    except Trouble as trouble:
        looking = doubt is not None and (trouble.missing or not (trouble.unsure or trouble.refused))
        _note(row, trouble, keep_doubt=doubt is not None or trouble.unsure, looking=looking)
    else:
        taken(row, number, token)


def _fields(row: Transfer, case: cases.Case) -> dict[str, str]:
    """What they are sent: what it is and where, never who reported it."""
    answers = [f"{question}: {answer}" for question, answer in cases.shown_answers(case.topic.questions, case.answers)]
    words = "\n".join(filter(None, [case.text, *answers]))[:MOST_WORDS] or text.pick(case.topic.names, case.language)
    where = ", ".join(filter(None, [case.place, case.zone.name if case.zone else ""]))
    photo = (
        case.photos.filter(public=True, state=cases.Photo.State.READY).order_by("id").first() if case.public else None
    )
    fields = {
        "service_code": row.service_code,
        "description": f"{words}\n{mark(case)}",
        "address_string": where,
        "lat": f"{case.point.y:.6f}" if case.point else "",
        "long": f"{case.point.x:.6f}" if case.point else "",
        "account_id": case.code,
        "media_url": settings.TOGUNA_URL + reverse("photo", args=[photo.public_id, "large"]) if photo else "",
        # Ours alone, but it costs nothing: another Toguna knows by it that it has this one already.
        "client_id": str(uuid5(NAMESPACE_URL, f"{settings.TOGUNA_URL}/transfers/{case.client_id}/{row.pk}")),
    }
    return {name: value for name, value in fields.items() if value}


def _attributes(case: cases.Case) -> dict[str, str | list[str]]:
    """The answers as they are kept: another Toguna, or whoever has questions of the same names, reads them."""
    return {
        f"attribute[{name}][]" if isinstance(value, list) else f"attribute[{name}]":
        value if isinstance(value, list) else {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        for name, value in case.answers.items()
    }  # fmt: skip


def _end(row: Transfer, state: Transfer.State, trouble: str = "") -> None:
    row.state, row.trouble = state, trouble[:300]
    row.save(update_fields=["state", "trouble"])


def _mail(row: Transfer, case: cases.Case) -> None:
    """A body without Open311 gets a letter; what came of it is typed in by an agent."""
    with translation.override(settings.LANGUAGE_CODE):
        fields = _fields(row, case)
        topic = text.pick(case.topic.names)
        lines = [fields["description"], fields.get("address_string", ""), fields.get("media_url", "")]
        if case.point:
            lines.append(
                f"https://www.openstreetmap.org/?mlat={fields['lat']}&mlon={fields['long']}#map=18/{fields['lat']}/{fields['long']}"
            )
        if case.public:
            lines.append(settings.TOGUNA_URL + reverse("report", args=[case.code]))
        channels.send(
            "email", row.body.email, key=f"reports.transfer:{row.pk}",
            subject=_("For you: %(topic)s (%(code)s)") % {"topic": topic, "code": case.code},
            text="\n".join(filter(None, lines)),
        )  # fmt: skip
    row.state, row.sent, row.attempts = Transfer.State.SENT, timezone.now(), 1
    row.save(update_fields=["state", "sent", "attempts"])


def _note(row: Transfer, trouble: Trouble, *, keep_doubt: bool, looking: bool) -> None:
    """It did not work: said where staff see it, tried again later, or given up."""
    refused = trouble.refused and not looking
    if not refused and row.attempts > len(WAITS):
        refused = True
    words = str(trouble)[:300]
    with transaction.atomic():
        Transfer.objects.filter(pk=row.pk, state=Transfer.State.WAITING).update(
            trouble=words,
            state=Transfer.State.REFUSED if refused else Transfer.State.WAITING,
            **({} if keep_doubt else {"sent": None}),
        )
        if not trouble.refused:
            Body.objects.filter(pk=row.body_id).update(trouble=words)


def taken(row: Transfer, number: str, token: str) -> None:
    try:
        with transaction.atomic():
            Transfer.objects.filter(pk=row.pk).update(
                state=Transfer.State.SENT, remote_id=number, token=token, trouble="", attempts=0
            )
            Body.objects.filter(pk=row.body_id).update(checked=timezone.now(), trouble="")
    except IntegrityError:  # a number that it gave before, for another report
        words = _("It gave the number %(number)s, which another report has already.") % {"number": number}
        Transfer.objects.filter(pk=row.pk).update(state=Transfer.State.REFUSED, trouble=words[:300])


@tasks.task
def tell(transfer: int, step: int) -> None:
    """Gives the body that has a report the words that were added here. A body that takes none answers 404: so be it."""
    row = Transfer.objects.select_related("body", "case").get(pk=transfer)
    said = cases.Step.objects.get(pk=step)
    if not row.remote_id or not said.public or row.case.anonymised is not None:
        return
    fields = {
        "service_request_id": row.remote_id,
        "update_id": f"{row.case.code}-{step}",
        "status": "open" if row.case.open else "closed",
        "updated_datetime": said.at.isoformat(timespec="seconds"),
        "description": said.text,
        "account_id": row.case.code,
    }
    try:
        given = peer(row.body).tell(fields)
    except Trouble as trouble:
        if trouble.refused or trouble.missing:
            return
        raise  # the queue tries again, with the same update_id
    if given:  # it will come back in their list: we know it already, and it says nothing of how late theirs are
        RemoteUpdate.objects.get_or_create(
            body=row.body, update_id=f"update:{given}"[:120], defaults={"case_id": row.case_id, "at": row.created}
        )
