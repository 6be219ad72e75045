"""Public reports as RSS 2.0 with GeoRSS-Simple points: for feed readers, newsrooms and maps of others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.gis.feeds import Feed, GeoRSSFeed
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, quote_etag
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from toguna.engines.cases import api as cases
from toguna.kernel import text, town
from toguna.kernel.web import public
from toguna.services.reports.around import selecting
from toguna.services.reports.casetype import REPORT

SHOWN = 50


@public
def feed(request: HttpRequest) -> HttpResponseBase:
    """/reports/feed.rss?zone=&topic=&state=&near=lat,lon&radius=metres&lang=. 304 when nothing in it has changed."""
    rows = list(
        selecting.public(request.GET.dict()).order_by("-id").select_related("topic", "zone").defer("zone__geom")[:SHOWN]
    )
    # What it says changes with the language, and with the names that the town gives its categories.
    said = [(c.code, c.updated.isoformat(), text.pick(c.topic.names)) for c in rows]
    etag = quote_etag(hashlib.sha256(repr((get_language(), request.get_full_path(), said)).encode()).hexdigest()[:20])
    latest = max((c.updated for c in rows), default=None)
    stamp = int(latest.timestamp()) if latest else None
    response = get_conditional_response(request, etag=etag, last_modified=stamp)
    if response is None:
        response = _Reports(rows, request.get_full_path())(request)
        assert isinstance(response, HttpResponse)
    response.headers["ETag"] = etag
    if stamp is not None:
        response.headers["Last-Modified"] = http_date(stamp)
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


class _Reports(Feed):
    feed_type = GeoRSSFeed

    def __init__(self, rows: Sequence[cases.Case], own_address: str) -> None:
        self.rows, self.feed_url = rows, own_address

    def title(self) -> str:
        return _("Reports of %(town)s") % {"town": town.current().name}

    def description(self) -> str:
        return _("What people reported to the town hall, the newest first")

    def link(self) -> str:
        return reverse("reports")

    def items(self) -> Sequence[cases.Case]:
        return self.rows

    def item_title(self, item: Any) -> str:
        where = item.zone.name if item.zone else ""
        state = REPORT.state(item.state).title
        return " – ".join(str(part) for part in (text.pick(item.topic.names), where, state) if part)

    def item_description(self, item: Any) -> str:
        return "\n".join(part for part in (item.text, item.place) if part)

    def item_link(self, item: Any) -> str:
        return reverse("report", args=[item.code])

    def item_pubdate(self, item: Any) -> datetime:
        return item.created  # type: ignore[no-any-return]

    def item_categories(self, item: Any) -> list[str]:
        return [text.pick(item.topic.names)]

    def item_geometry(self, item: Any) -> Any:
        return (item.point.x, item.point.y) if item.point and not item.anonymised else None
