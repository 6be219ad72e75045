"""Behind a proxy, each caller is who they are."""

from __future__ import annotations

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from toguna.site.wsgi import application


@pytest.mark.parametrize(
    ("before_us", "said", "believed"),
    [
        ("127.0.0.1", "41.73.1.2", "41.73.1.2"),
        ("::1", "6.6.6.6, 41.73.1.2", "41.73.1.2"),  # the first is what the caller claims to come from
        ("41.73.9.9", "41.73.1.2", "41.73.9.9"),  # no proxy of ours
        ("127.0.0.1", "", "127.0.0.1"),
    ],
)
def test_only_our_proxy_says_who_calls(before_us, said, believed):
    seen = []

    def note(environ, **_rest):
        seen.append(environ["REMOTE_ADDR"])

    request_started.disconnect(close_old_connections)  # there is no database here
    request_started.connect(note)
    try:
        environ = (
            RequestFactory().get("/icons/road.svg", REMOTE_ADDR=before_us, headers={"x-forwarded-for": said}).environ
        )
        status = []
        list(application(environ, lambda line, _headers: status.append(line)))
    finally:
        request_started.disconnect(note)
        request_started.connect(close_old_connections)
    assert status == ["200 OK"] and seen == [believed]
