"""A photo of a case: the only way to its file."""

from __future__ import annotations

import uuid

from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response

from toguna.engines.cases.models import Photo
from toguna.engines.cases.photos import SIZES, folder
from toguna.engines.cases.reads import may_read
from toguna.kernel.web import public


@public
def photo(request: HttpRequest, public_id: uuid.UUID, size: str) -> HttpResponseBase:
    """A ready photo: of a public case to anyone, else to whoever may read the case; 404 to all others."""
    row = get_object_or_404(Photo.objects.select_related("case__topic"), public_id=public_id, state=Photo.State.READY)
    if size not in SIZES:
        raise Http404
    everyone = row.public and row.case.public
    if not everyone and not may_read(request.actor, row.case):  # type: ignore[attr-defined]
        raise Http404
    # A photo may be taken back or covered at any moment: whoever kept it asks again before each showing (and is then told
    # 404, or in a few bytes that it is still the same), and nothing between us and the reader keeps it at all.
    etag = f'"{public_id.hex}-{size}"'  # the pixels behind a public_id never change
    response: HttpResponseBase | None = get_conditional_response(request, etag=etag)
    if response is None:
        try:
            response = FileResponse((folder(row) / f"{size}.jpg").open("rb"), content_type="image/jpeg")
        except FileNotFoundError:  # covered or taken back since we read the row
            raise Http404 from None
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response
