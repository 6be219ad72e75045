"""The pages of the generic desk, for one case type: a service hangs them where it likes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, path

from toguna.engines.cases.desk import views
from toguna.kernel.web import staff


def desk_urls(kind: str, read: str, prefix: str) -> list[URLPattern]:
    """kind: the case type's name; read: its permission; prefix: "desk/requests/". The names are KIND-desk-list, -case (its
    `desk_url`, takes the code), -act, -pdf, -drawing, -bulk, -figures, -absence."""

    def page(where: str, name: str, view: Callable[..., Any]) -> URLPattern:
        def bound(request: Any, **kept: Any) -> Any:
            return view(request, kind, **kept)

        bound.__name__ = f"{kind}_desk_{name}"
        return path(f"{prefix}{where}", staff(read)(bound), name=f"{kind}-desk-{name}")

    return [
        page("", "list", views.work),
        page("many/", "bulk", views.many),
        page("figures/", "figures", views.figures_page),
        page("absence/", "absence", views.absence),
        page("<slug:code>/", "case", views.case),
        page("<slug:code>/act/", "act", views.act),
        page("<slug:code>/workflow/", "drawing", views.drawing_page),
        page("<slug:code>/file.pdf", "pdf", views.pdf),
    ]
