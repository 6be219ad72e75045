"""Photos of what a pre-collector took: kept with the order, seen by who ordered it, by who took it and by the office, by nobody else."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterable

from django.db import transaction
from django.db.models import QuerySet
from django.http import FileResponse, Http404
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.kernel import access, pictures
from toguna.kernel.access import SYSTEM, Actor
from toguna.services.waste.models import PickUp, PreCollector
from toguna.services.waste.orders import actions

SUBJECT = "waste.pickup"
MOST = 3
MOST_BYTES = cases.MOST_BYTES
SIZE = 1200  # pixels: some 100 kB


def check(data: bytes) -> None:
    """Before anything is done with it. Raises Refused."""
    try:
        cases.check_photo(data)
    except cases.BadPhoto as error:
        raise actions.Refused(str(error)) from error


@transaction.atomic
def add(row: PickUp, collector: PreCollector, data: bytes, *, client_id: uuid.UUID, by: Actor) -> None:
    """A photo of what was taken, or of the place. While the household has not given its four digits, it is told, and says whether it is
    so. The same client_id again changes nothing. Raises Refused."""
    check(data)
    now = PickUp.objects.select_for_update().get(pk=row.pk)
    if now.collector_id != collector.pk or now.state not in (PickUp.State.ACCEPTED, PickUp.State.DONE):
        raise actions.Refused(_("This pick-up is not yours to do."))
    if documents.File.objects.filter(client_id=client_id).exists():
        return
    if photos(row).count() >= MOST:
        raise actions.Refused(_("There are three photos of it already."))
    try:
        made = io.BytesIO(pictures.drawn(data, SIZE))
        documents.keep(
            made, f"{row.code}.jpg", subject=(SUBJECT, row.pk), by=SYSTEM, title=row.code, client_id=client_id
        )
    except (OSError, documents.FileRefused) as error:
        raise actions.Refused(_("This photo cannot be read. Take it again.")) from error
    if now.state == PickUp.State.ACCEPTED:
        actions.photo_sent(row, collector, by=by)


def photos(row: PickUp) -> QuerySet[documents.File]:
    return documents.files_of((SUBJECT, row.pk))


def of_many(rows: Iterable[PickUp]) -> dict[int, list[documents.File]]:
    """{order: its photos}. One statement."""
    found: dict[int, list[documents.File]] = {}
    for file in documents.File.objects.filter(subject_name=SUBJECT, subject_id__in=[row.pk for row in rows]).order_by(
        "at", "pk"
    ):
        found.setdefault(file.subject_id, []).append(file)
    return found


def sent(row: PickUp, photo: uuid.UUID, *, by: Actor) -> FileResponse:
    """The picture, to be shown; the caller has recognised who asks. We drew it ourselves, so a browser may show it. Raises Http404."""
    file = photos(row).filter(public_id=photo).first()
    if file is None:
        raise Http404
    try:
        version, path = documents.open_file(file, by.as_town())
    except documents.FileRefused as error:
        raise Http404(str(error)) from error
    found = FileResponse(path.open("rb"), content_type=version.type)
    found["Content-Security-Policy"] = "default-src 'none'; sandbox"
    found["Cache-Control"] = "private, no-store"
    found["X-Content-Type-Options"] = "nosniff"
    return found


def may_read(actor: Actor, pickup: int) -> bool:
    return any(
        access.can(actor, "waste.read", zone=zone)
        for zone in PickUp.objects.filter(pk=pickup).values_list("zone", flat=True)
    )


def forget(pickups: QuerySet[PickUp], why: str) -> None:
    """What was seen at somebody's door goes with the rest of it."""
    found = documents.File.objects.filter(subject_name=SUBJECT, subject_id__in=pickups.values("pk"), held=None)
    for file in found.select_related("kind"):
        documents.destroy(file, why, SYSTEM)
