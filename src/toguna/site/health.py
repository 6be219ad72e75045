"""/healthz: for whoever watches the server."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

from toguna.kernel.web import public


@public
def healthz(request: HttpRequest) -> JsonResponse:
    """200 {"status": "ok"} when pages can be served from the database, else 503 with which part is away."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "error", "database": "away"}, status=503)
    return JsonResponse({"status": "ok"})
