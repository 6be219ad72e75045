"""/api/v1/: one API made of the routers that the rooms declare."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from ninja import NinjaAPI

from toguna.kernel import registry, town
from toguna.kernel.access import Denied
from toguna.kernel.limits import TooMany
from toguna.kernel.web import Api

api = NinjaAPI(
    title=f"Toguna: {town.current().name}",
    version="1",
    description="What the town does, for programs. Personal data never comes out of the public operations.",
    urls_namespace="api",
    openapi_url="/openapi.json",
    docs_url=None,  # its page loads scripts from another host
)

for declared in registry.declared(Api):
    api.add_router(declared.prefix, import_string(declared.router))


@api.exception_handler(Denied)
def denied(request: HttpRequest, error: Denied) -> HttpResponse:
    return api.create_response(request, {"detail": str(error)}, status=403)


@api.exception_handler(TooMany)
def too_many(request: HttpRequest, error: TooMany) -> HttpResponse:
    response = api.create_response(request, {"detail": str(error)}, status=429)
    response["Retry-After"] = str(error.retry_after)
    return response
