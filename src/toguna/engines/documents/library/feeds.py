"""The newest acts as RSS and Atom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.contrib.syndication.views import Feed
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from toguna.engines.documents.library import reads
from toguna.engines.documents.models.library import Act, Kind
from toguna.kernel import town

SHOWN = 50


class Acts(Feed):  # type: ignore[type-arg] # generic only for the type checker
    """?kind=bylaw: only those."""

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> str:
        kind = request.GET.get("kind", "")
        return kind if kind in Kind.values else ""

    def title(self, kind: str) -> str:
        return _("Acts of %(town)s") % {"town": town.current().name}

    def description(self, kind: str) -> str:
        return _("What the town decided, the newest first")

    def link(self, kind: str) -> str:
        return reverse("acts") + (f"?kind={kind}" if kind else "")

    def items(self, kind: str) -> Sequence[Act]:
        rows = reads.public()
        return list((rows.filter(kind=kind) if kind else rows).order_by("-published", "-pk")[:SHOWN])

    def item_title(self, item: Any) -> str:
        return f"{item.title} – {item.subject}"

    def item_description(self, item: Any) -> str:
        return f"{item.body}. {item.subject}"

    def item_link(self, item: Any) -> str:
        return reverse("act", args=[item.kind, item.year, item.padded])

    def item_pubdate(self, item: Any) -> datetime:
        return timezone.make_aware(datetime.combine(item.published, time(0)))

    def item_updateddate(self, item: Any) -> datetime:
        return item.updated  # type: ignore[no-any-return]

    def item_categories(self, item: Any) -> list[str]:
        return [item.get_kind_display()]


class AtomActs(Acts):
    feed_type = Atom1Feed
    subtitle = Acts.description
