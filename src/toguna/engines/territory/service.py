"""What `territory` declares: its pages and who may change the ground."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from toguna.engines.territory.routing import build, traffic
from toguna.engines.territory.tiles import TileLayer
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, Permission
from toguna.kernel.demo import Demo
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic
from toguna.kernel.web import Api, Page, Section, Urls

# The middle of each closure that is in force: a mark that one sees at any scale.
_CLOSED = """
SELECT id, reason, words, ST_PointOnSurface(geom) AS geom FROM territory_closure
WHERE public AND starts <= now() AND (ends IS NULL OR ends > now()) AND geom && {bounds}
"""
_CLOSED_VERSION = """
SELECT concat(max(id), ' ', count(*), ' ', max(starts)) FROM territory_closure
WHERE public AND starts <= now() AND (ends IS NULL OR ends > now())
"""

SERVICE = Service(
    name="territory",
    section="territory",
    title=_("Territory"),
    provides=(
        Section("territory", _("Territory and figures"), "layers", order=80),
        Permission("territory.read", _("See layers that are not public"), frozenset({READER, AGENT, MANAGER, ADMINISTRATOR})),
        Permission("territory.edit", _("Change what is on the ground"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
        Permission("territory.import", _("Bring files in"), frozenset({MANAGER, ADMINISTRATOR})),
        Permission("territory.close", _("Close roads and open them again"), frozenset({AGENT, MANAGER, ADMINISTRATOR})),
        Demo("roads", lambda files: build.check(), order=10),
        Periodic("territory-network", timedelta(minutes=15), build.check),
        Periodic("territory-traffic", timedelta(minutes=1), traffic.keep_fresh),
        Page("map", _("Map"), "map", "map", where=("home", "nav"), order=40, summary=_("The town, its districts, its services.")),
        Page("search", _("Find a place"), "search", "search", where=("home",), order=50, summary=_("A landmark, a street, a district.")),
        Page("desk-territory", _("Territory"), "layers", "desk-territory", where=("desk",), permission="territory.read", order=70),
        Urls("territory", "", "toguna.engines.territory.urls"),
        TileLayer("closed-roads", _("Closed roads"), icon="road-obstruction", raw=_CLOSED, grouped=_CLOSED, version=_CLOSED_VERSION),
        Api("routing", "routing", "toguna.engines.territory.routing.rest.router"),
        Api("territory", "places", "toguna.engines.territory.rest.router"),
    ),
)  # fmt: skip
