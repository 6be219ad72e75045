"""Service request updates, both ways: an extension of GeoReport v2 that mySociety wrote down and others took up.

GET gives the public steps of reports; POST takes those of another body that deals with a report, or that gave it to us.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import OuterRef, Q, Subquery
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import codes, text
from toguna.kernel.web import Request
from toguna.services.reports.bodies import actions as bodies
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.open311.answers import MOST, Problem, answer, body_of, moment, number, operation, written

PERIOD = timedelta(days=90)
LATELY = timedelta(days=1)
SKEW = timedelta(minutes=5)


@operation
def updates(request: Request, format: str) -> HttpResponse:
    if request.method == "POST":
        return _take(request, format)
    get = request.GET
    start, end = moment(get, "start_date"), moment(get, "end_date") or timezone.now()
    start = start or end - LATELY
    if end - start > PERIOD:
        raise Problem(400, _("start_date and end_date are at most 90 days apart."))
    before = cases.Step.objects.filter(case=OuterRef("case"), pk__lte=OuterRef("pk")).exclude(to_state="")
    body = body_of(request)
    seen = Q(case__public=True) | Q(case__in=bodies.given_by(body)) if body else Q(case__public=True)
    found = (
        cases.Step.objects.filter(seen, public=True, at__gte=start, at__lte=end)
        .filter(case__type=REPORT.name, case__anonymised__isnull=True)
        .exclude(action="opened")
        # What the body that gave us the report wrote is not told to it again.
        .exclude(data__has_key="origin")
        .select_related("case")
        .annotate(state=Subquery(before.order_by("-pk").values("to_state")[:1]))
        .order_by("id")
    )
    page = number(get, "page", 1, 10**6)
    rows = [_update(step, get.get("extensions") == "true") for step in found[(page - 1) * MOST : page * MOST]]
    return answer("service_request_updates", rows, format)


def _update(step: Any, extensions: bool) -> dict[str, Any]:
    state = REPORT.state(step.state or step.case.state)
    row = {
        "update_id": str(step.pk),
        "service_request_id": step.case.code,
        "status": "open" if state.open else "closed",
        "updated_datetime": written(step.at),
        "description": step.text,
        "media_url": "",
    }
    return row | {"extended_attributes": {"state": state.name}} if extensions else row


def _take(request: Request, format: str) -> HttpResponse:
    """An update of another body, which shows its key. The same update_id again is answered as the first time."""
    post = request.POST
    body = body_of(request)
    if body is None:
        raise Problem(403, _("Give the api_key that the town hall gave you."))
    wanted, update_id = post.get("service_request_id", "").strip(), post.get("update_id", "").strip()
    missing = [name for name in ("service_request_id", "update_id", "status") if not post.get(name, "").strip()]
    if missing:
        raise Problem(400, *(_("Give %(name)s.") % {"name": name} for name in missing))
    at = moment(post, "updated_datetime")
    if at is not None and at > timezone.now() + SKEW:
        raise Problem(400, _("updated_datetime is in the future."))
    words = text.clean(post.get("description", ""))
    if media := bodies.address(post.get("media_url", "")):
        words = f"{words}\n{media}".strip()
    update = bodies.Update(update_id, post["status"], words, at)
    if not bodies.take(body, wanted, update, code=codes.read(wanted)):
        raise Problem(404, _("service_request_id %(code)s was not found.") % {"code": wanted})
    content = [{"update_id": update_id, "service_request_id": wanted, "account_id": ""}]
    return answer("service_request_updates", content, format, status=201)
