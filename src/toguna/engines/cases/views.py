"""A photo of a case: the only way to its file."""

from __future__ import annotations

import uuid

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404

from toguna.engines.cases.models import Photo
from toguna.engines.cases.photos import SIZES, folder
from toguna.engines.cases.reads import may_read
from toguna.kernel.web import public


@public
def photo(request: HttpRequest, public_id: uuid.UUID, size: str) -> HttpResponseBase:
    """A ready photo: of a public case to anyone, else to whoever may read the case; 404 to all others."""
    row = get_object_or_404(Photo.objects.select_related("case"), public_id=public_id, state=Photo.State.READY)
    if size not in SIZES:
        raise Http404
    everyone = row.public and row.case.public
    if not everyone and not may_read(request.actor, row.case):  # type: ignore[attr-defined]
        raise Http404
    response = FileResponse((folder(row) / f"{size}.jpg").open("rb"), content_type="image/jpeg")
    # A photo may be taken back (moderation): nobody keeps it for long, and nothing between us and the reader does.
    response["Cache-Control"] = "private, max-age=600"
    return response
