"""The site's pages, and the generic desk of the case type of these tests."""

from toguna.engines.cases import api as cases
from toguna.site import urls

handler400, handler403, handler404, handler500 = (
    getattr(urls, name, f"django.views.defaults.{old}")
    for name, old in (
        ("handler400", "bad_request"), ("handler403", "permission_denied"), ("handler404", "page_not_found"),
        ("handler500", "server_error"),
    )
)  # fmt: skip
urlpatterns = [*cases.desk_urls("permits", "permits.read", "desk/permits/"), *urls.urlpatterns]
