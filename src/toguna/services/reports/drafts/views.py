"""What a telephone needs to write reports without network, and to send them when there is one. Thin: they are sent by the
API, as any program's."""

from __future__ import annotations

import hashlib
import json
import uuid

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import get_language

from toguna.engines.cases import api as cases
from toguna.engines.territory import api as territory
from toguna.kernel.web import public
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.topics import topics

SHELL = ("toguna.css", "toguna.js", "icon.svg", "territory/map.js", "reports/drafts.js", "offline.js")


@public
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker of /reports/. Its text changes with the files, the questions of the categories, the districts and
    the language, so that telephones then fetch the forms again."""
    files = [static(name) for name in SHELL]
    forms = [[t.slug, t.active, t.names, t.help, t.stop, t.questions] for t in topics()]
    districts = [[zone.id, zone.name] for zone in territory.districts()]
    about = json.dumps([files, forms, districts, get_language()], sort_keys=True, default=str)
    values = {"files": json.dumps(files), "version": hashlib.sha256(about.encode()).hexdigest()[:8]}
    response = render(request, "reports/drafts/worker.js", values, content_type="text/javascript")
    response["Service-Worker-Allowed"] = reverse("reports")
    response["Cache-Control"] = "no-cache"
    return response


@public
def known(request: HttpRequest, client_id: uuid.UUID) -> HttpResponse:
    """{code, url} of the report that was sent with this id, or 404: what the page of thanks says, for whoever did not see
    it. Only the sender knows the id: what their key is made from."""
    case = get_object_or_404(cases.Case, type=REPORT.name, client_id=client_id)
    url = f"{reverse('report-thanks', args=[case.code])}?key={cases.key_of(case)}"
    response = JsonResponse({"code": case.code, "url": url})
    response["Cache-Control"] = "no-store"
    return response
