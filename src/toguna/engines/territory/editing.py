"""Changing what is on the ground: each change is checked, kept with what was before, and can be undone."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.contrib.gis.gdal import GDALException
from django.contrib.gis.geos import GEOSException, GEOSGeometry
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import names, zones
from toguna.engines.territory.models import Feature, FeatureChange, Layer
from toguna.engines.territory.points import read_point
from toguna.kernel import access, audit, text
from toguna.kernel.access import Actor

GEOMETRIES = {
    Layer.Geometry.POINT: {"Point", "MultiPoint"},
    Layer.Geometry.LINE: {"LineString", "MultiLineString"},
    Layer.Geometry.POLYGON: {"Polygon", "MultiPolygon"},
}


class Refused(Exception):
    """The change is not made; str() is a sentence for the person."""


class Conflict(Refused):
    """Somebody else changed the feature meanwhile."""


@dataclass(frozen=True)
class Draft:
    """What a feature is to be. geometry: GeoJSON, WKT, or a point as people type it."""

    name: str
    kind: str
    attrs: dict[str, Any]
    geometry: str


def read_geometry(layer: Layer, typed: str) -> GEOSGeometry:
    """Raises Refused, in words."""
    typed = typed.strip()
    if point := read_point(typed):
        typed = f"SRID=4326;POINT({point[0]} {point[1]})"
    try:
        geometry = GEOSGeometry(typed, srid=4326)
    except (ValueError, GEOSException, GDALException):
        raise Refused(_("This is not a geometry. Give coordinates, GeoJSON or WKT.")) from None
    if geometry.srid not in (None, 4326):
        geometry.transform(4326)
    west, south, east, north = geometry.extent if not geometry.empty else (999, 999, 999, 999)
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise Refused(_("Its coordinates are nowhere on Earth: is the coordinate system right?"))
    if not geometry.valid:
        raise Refused(_("This shape crosses itself: %(reason)s") % {"reason": geometry.valid_reason})
    allowed = GEOMETRIES.get(Layer.Geometry(layer.geometry))
    if allowed is not None and geometry.geom_type not in allowed:
        raise Refused(_("This layer holds %(kinds)s.") % {"kinds": ", ".join(sorted(allowed))})
    return geometry


def _seen(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "kind": feature.kind,
        "attrs": feature.attrs,
        "geom": json.loads(feature.geom.geojson),
    }


def _kept(
    feature: Feature, action: str, before: dict[str, Any] | None, after: dict[str, Any] | None, by: Actor
) -> None:
    FeatureChange.objects.create(
        feature=feature.pk,
        layer_id=feature.layer_id,
        account=by.account,
        action=action,
        version=feature.version,
        before=before,
        after=after,
    )
    Layer.objects.filter(pk=feature.layer_id).update(version=F("version") + 1)
    names.refresh([feature.pk])
    audit.record(by, f"territory.{action}", f"territory.feature:{feature.pk}")


def _where(by: Actor, geometry: GEOSGeometry) -> None:
    """The actor must have the permission where the feature is."""
    centre = geometry.point_on_surface
    access.require(by, "territory.edit", zone=zones.place(centre.x, centre.y).zone)


@transaction.atomic
def create(layer: Layer, draft: Draft, *, by: Actor, client_id: uuid.UUID | None = None) -> Feature:
    """Adds a feature. client_id: made by the form; the same one twice is one feature."""
    if not layer.editable:
        raise Refused(_("This layer is not edited here."))
    geometry = read_geometry(layer, draft.geometry)
    _where(by, geometry)
    source = f"town:{client_id or uuid.uuid4()}"
    if found := Feature.objects.filter(layer=layer, source=source).first():
        return found
    feature = Feature.objects.create(
        layer=layer,
        source=source,
        name=text.clean(draft.name)[:250],
        kind=draft.kind[:60],
        attrs=draft.attrs,
        geom=geometry,
        edited=True,
    )
    _kept(feature, "created", None, _seen(feature), by)
    return feature


@transaction.atomic
def change(pk: int, draft: Draft, *, version: int, by: Actor) -> Feature:
    """Changes a feature that the actor saw at `version`; Conflict when it has changed since."""
    feature = _locked(pk, version, by)
    geometry = read_geometry(feature.layer, draft.geometry)
    _where(by, geometry)
    before = _seen(feature)
    feature.name, feature.kind, feature.attrs, feature.geom = (
        text.clean(draft.name)[:250],
        draft.kind[:60],
        draft.attrs,
        geometry,
    )
    _save(feature)
    _kept(feature, "changed", before, _seen(feature), by)
    return feature


@transaction.atomic
def remove(pk: int, *, version: int, by: Actor) -> Feature:
    """Takes a feature off the map from today; it stays in the history and can be restored."""
    feature = _locked(pk, version, by)
    feature.valid_to = timezone.localdate()
    _save(feature)
    _kept(feature, "removed", _seen(feature), None, by)
    return feature


@transaction.atomic
def restore(pk: int, change_id: int, *, by: Actor) -> Feature:
    """Puts a feature back as it was before one of its changes."""
    feature = Feature.objects.select_for_update(of=("self",)).select_related("layer").get(pk=pk)
    past = FeatureChange.objects.get(pk=change_id, feature=pk)
    _where(by, feature.geom)
    wanted = past.before or past.after
    if wanted is None:
        raise Refused(_("There is nothing to go back to."))
    before = _seen(feature)
    feature.name, feature.kind, feature.attrs = wanted["name"], wanted["kind"], wanted["attrs"]
    feature.geom, feature.valid_to = GEOSGeometry(json.dumps(wanted["geom"]), srid=4326), None
    _save(feature)
    _kept(feature, "restored", before, _seen(feature), by)
    return feature


def _locked(pk: int, version: int, by: Actor) -> Feature:
    feature = Feature.objects.select_for_update(of=("self",)).select_related("layer").get(pk=pk)
    _where(by, feature.geom)
    if not feature.layer.editable:
        raise Refused(_("This layer is not edited here."))
    if feature.version != version:
        raise Conflict(_("Somebody has changed this feature meanwhile. Look at it again, then make your change."))
    return feature


def _save(feature: Feature) -> None:
    feature.version, feature.edited, feature.updated = feature.version + 1, True, timezone.now()
    feature.save()
