"""The address book: what every room declares, and the few pages that belong to the house."""

from __future__ import annotations

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path

from toguna.kernel import registry
from toguna.kernel.web import Urls
from toguna.site import api, backstage, errors, health, home, language, style

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home.index, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("language/", language.choose, name="language"),
    path("town.css", home.town_css, name="town-css"),
    path("icons/<slug:name>.svg", home.badge, name="badge"),
    path("desk/", home.desk, name="desk"),
    path("api/v1/", api.api.urls),
    path("admin/", backstage.backstage().urls),
    *(path(urls.prefix, include(urls.module)) for urls in registry.declared(Urls)),
]
if settings.TOWN.demo or settings.DEBUG:
    urlpatterns.append(path("style/", style.show, name="style"))

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
