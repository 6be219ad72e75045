"""An alert as the Common Alerting Protocol says it (OASIS CAP 1.2), so that radios, sirens and other systems can read it.

http://docs.oasis-open.org/emergency/cap/v1.2/CAP-v1.2-os.html. Areas are drawn with at most MOST_CORNERS corners: readers
of feeds refuse more.
"""

from __future__ import annotations

from datetime import timedelta
from xml.etree import ElementTree as ET

from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Polygon
from django.utils import timezone

from toguna.engines.channels.models import Publication
from toguna.engines.channels.publish import texts
from toguna.engines.channels.publish.alerts import LEVELS, AlertRule
from toguna.engines.territory import api as territory
from toguna.kernel import registry, town
from toguna.kernel.tasks import Lane
from toguna.kernel.text import pick

NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"
MOST_CORNERS = 100
GOOD_FOR = timedelta(days=1)
_LANGUAGES = {"fr": "fr-FR", "pt": "pt-PT", "en": "en-GB"}


def identifier(row: Publication) -> str:
    return f"urn:uuid:{row.public_id}"


def alert(row: Publication) -> bytes:
    """The <alert> of a publication that was sent: of one that says more, an Update that names what it follows; of one that
    says that it is over, or was itself cancelled, a Cancel."""
    rule = registry.find(AlertRule, row.source) if row.source else None
    cancelled = row.state == Publication.State.CANCELLED
    over = cancelled or row.ends
    named = [row] if cancelled else _followed(row)
    ET.register_namespace("", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}alert")

    def add(parent: ET.Element, name: str, words: str) -> None:
        ET.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = words

    sent = (row.finished if cancelled else row.started) or row.created
    add(root, "identifier", f"{identifier(row)}{':cancel' if cancelled else ''}")
    add(root, "sender", _host())
    add(root, "sent", _moment(sent))
    add(root, "status", "Exercise" if town.current().demo else "Actual")
    add(root, "msgType", "Cancel" if over else "Update" if named else "Alert")
    add(root, "scope", "Public")
    if named:
        said = (f"{_host()},{identifier(r)},{_moment(r.started or r.created)}" for r in named)
        add(root, "references", " ".join(said))
    severity = LEVELS[rule.level][1] if rule else "Severe"
    for language in texts.languages_of(row):
        info = ET.SubElement(root, f"{{{NAMESPACE}}}info")
        add(info, "language", _LANGUAGES.get(language, language))
        add(info, "category", rule.category if rule else "Safety")
        add(info, "event", str(rule.title) if rule else pick(row.titles, language))
        if over:
            add(info, "responseType", "AllClear")
        add(info, "urgency", "Past" if over else "Immediate" if row.lane >= Lane.ALARM else "Expected")
        add(info, "severity", severity)
        add(info, "certainty", "Likely")
        add(info, "effective", _moment(row.started or row.created))
        add(info, "expires", _moment((row.started or row.created) + GOOD_FOR))
        add(info, "senderName", town.current().name)
        add(info, "headline", pick(row.titles, language)[:160])
        add(info, "description", pick(row.texts, language))
        add(info, "web", texts.address(row))
        for name, shape in _areas(row):
            area = ET.SubElement(info, f"{{{NAMESPACE}}}area")
            add(area, "areaDesc", name)
            for polygon in shape.coords:  # of each, the outer ring
                add(area, "polygon", " ".join(f"{y:.5f},{x:.5f}" for x, y in polygon[0]))
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _followed(row: Publication) -> list[Publication]:
    """What it follows, and what that follows: CAP wants all that is replaced to be named."""
    found: list[Publication] = []
    while row.follows is not None and row.follows not in found:
        row = row.follows
        found.append(row)
    return found


def _host() -> str:
    return str(settings.TOGUNA_URL).partition("://")[2].rstrip("/") or "toguna"


def _moment(value: object) -> str:
    at = timezone.localtime(value)  # type: ignore[arg-type]
    written = at.replace(microsecond=0).isoformat()
    return written.replace("+00:00", "-00:00")  # CAP says so


def _areas(row: Publication) -> list[tuple[str, MultiPolygon]]:
    """(name, shape) of where it holds: what was drawn, the zones chosen, or the whole town."""
    if row.area is not None:
        return [(town.current().name, _simple(row.area))]
    chosen = [int(pk) for pk in row.audience.get("zones") or ()]
    found = territory.zone_shapes(chosen)
    return [(name, _simple(shape)) for name, shape in found] or [(town.current().name, MultiPolygon())]


def _simple(shape: GEOSGeometry) -> MultiPolygon:
    """With fewer corners, until there are few enough: a little larger is better than a little smaller."""
    step = 0.0005
    drawn = shape
    while drawn.num_coords > MOST_CORNERS and step < 1:
        drawn = shape.buffer(step, quadsegs=1).simplify(step, preserve_topology=True)
        step *= 2
    return MultiPolygon(drawn) if isinstance(drawn, Polygon) else drawn  # type: ignore[return-value]
