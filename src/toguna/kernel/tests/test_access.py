"""Deny by default: what is not granted is refused, in the right place only."""

import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from toguna.kernel import access, registry
from toguna.kernel.access import AGENT, MANAGER, Actor, Denied, Grant, Permission
from toguna.kernel.manifest import Service
from toguna.kernel.middleware import Gate
from toguna.kernel.web import public, staff


@pytest.fixture(autouse=True)
def service(monkeypatch):
    service = Service("wells", provides=(Permission("wells.close", "Close a well", frozenset({AGENT, MANAGER})),))
    monkeypatch.setitem(registry._services, "wells", service)
    registry._declared.cache_clear()
    yield
    registry._declared.cache_clear()


def actor(*grants: Grant) -> Actor:
    return Actor(account=1, staff=True, grants=grants)


@pytest.mark.parametrize(
    ("grants", "zone", "allowed"),
    [
        ((), 1, False),
        ((Grant(AGENT),), 1, True),
        ((Grant(AGENT),), None, True),
        ((Grant(AGENT, "wells", frozenset({1, 2})),), 2, True),
        ((Grant(AGENT, "wells", frozenset({1, 2})),), 3, False),
        ((Grant(AGENT, "wells", frozenset({1, 2})),), None, False),
        ((Grant(AGENT, "markets"),), 1, False),
        ((Grant("reader"),), 1, False),
        ((Grant("reader"), Grant(MANAGER, "wells", frozenset({1}))), 1, True),
    ],
)
def test_a_grant_holds_for_its_role_its_service_and_its_zone_only(grants, zone, allowed):
    who = actor(*grants)
    assert access.can(who, "wells.close", zone=zone) is allowed
    if not allowed:
        with pytest.raises(Denied):
            access.require(who, "wells.close", zone=zone)


def test_a_permission_that_nobody_declares_is_an_error_and_not_a_yes():
    with pytest.raises(LookupError):
        access.can(actor(Grant(AGENT)), "wells.poison")


def test_a_view_that_says_nothing_of_who_may_open_it_stays_shut():
    request = RequestFactory().get("/")
    request.actor = access.NOBODY
    with pytest.raises(Denied):
        Gate(lambda r: None).process_view(request, lambda r: None, (), {})


def test_what_is_for_some_alone_stays_in_no_browser_that_others_use():
    def answered(view):
        def get_response(request):
            return gate.process_view(request, view, (), {}) or view(request)

        gate = Gate(get_response)
        gate.actor_of = lambda _request: Actor(account=1, staff=True, grants=(Grant(AGENT),))
        return gate(RequestFactory().get("/"))

    own, kept = HttpResponse(), HttpResponse(headers={"Cache-Control": "private, max-age=60"})
    assert answered(staff("wells.close")(lambda _request: own)).headers["Cache-Control"] == "private, no-store"
    assert answered(staff("wells.close")(lambda _request: kept)).headers["Cache-Control"] == "private, max-age=60"
    assert "Cache-Control" not in answered(public(lambda _request: HttpResponse())).headers
