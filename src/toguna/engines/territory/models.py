"""What the town knows of its ground: zones with their dates, layers of features, rasters, and each import's report."""

from __future__ import annotations

import pghistory
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField


@pghistory.track()
class Zone(models.Model):
    """A part of the town that people name and offices are responsible for. The row is its identity: redrawing it
    changes `geom` here and closes a dated `ZoneVersion`, so that whatever points at a zone keeps pointing at it."""

    class Level(models.IntegerChoices):
        TOWN = 0
        ARRONDISSEMENT = 1
        DISTRICT = 2
        BLOCK = 3

    level = models.SmallIntegerField(choices=Level.choices)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name = models.CharField(max_length=200)
    names = WordsField(blank=True)
    code = models.CharField(max_length=40, blank=True)
    source = models.CharField(max_length=80, unique=True)  # "osm:r1124039", "town:<uuid>"
    geom = models.MultiPolygonField(srid=4326, spatial_index=False)
    edited = models.BooleanField(default=False)  # by the town: an import then leaves it alone
    closed = models.DateField(null=True, blank=True)  # no longer in force since that day

    class Meta:
        db_table = "territory_zone"
        indexes = [GistIndex(fields=["geom"], name="territory_zone_geom")]

    def __str__(self) -> str:
        return self.name


class ZoneVersion(models.Model):
    """The limits of a zone between two dates; `valid_to` null is the one in force. No two overlap in time (a constraint)."""

    zone = models.ForeignKey(Zone, on_delete=models.CASCADE, related_name="versions")
    geom = models.MultiPolygonField(srid=4326, spatial_index=False)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "territory_zone_version"
        constraints = [
            models.UniqueConstraint(
                fields=["zone"], condition=models.Q(valid_to=None), name="territory_zone_version_one_in_force"
            ),
            models.CheckConstraint(
                condition=models.Q(valid_to=None) | models.Q(valid_to__gte=models.F("valid_from")),
                name="territory_zone_version_dates",
            ),
        ]


@pghistory.track()
class Layer(models.Model):
    """A kind of feature, as data: its attributes, how it looks, who may see it."""

    class Geometry(models.TextChoices):
        POINT = "point"
        LINE = "line"
        POLYGON = "polygon"
        MIXED = "mixed"

    slug = models.SlugField(unique=True, max_length=60)
    names = WordsField()
    geometry = models.CharField(max_length=10, choices=Geometry.choices, default=Geometry.MIXED)
    attributes = models.JSONField(default=list, blank=True)  # [{"name", "type", "title": {lang: words}, "choices"?}]
    style = models.JSONField(default=dict, blank=True)  # {"colour": "#rrggbb", "order": 10, ...}
    icon = models.CharField(max_length=40, blank=True)
    public = models.BooleanField(default=True)
    editable = models.BooleanField(default=True)
    attribution = models.CharField(max_length=200, blank=True)
    # Grows with each change of a feature in it (a statement trigger): what caches compare.
    version = models.BigIntegerField(default=1)

    class Meta:
        db_table = "territory_layer"

    def __str__(self) -> str:
        return self.slug


class Feature(models.Model):
    """A thing on the ground, in one layer. `source` is who knows it: "osm:w45", "town:<uuid>", or the file's own id."""

    # No constraint in the database: it would look each layer up again for each of a million rows. Only this room writes here.
    layer = models.ForeignKey(Layer, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    source = models.CharField(max_length=120)
    name = models.CharField(max_length=250, blank=True)
    names = WordsField(blank=True)
    kind = models.CharField(max_length=60, blank=True)  # "school", "residential", ...
    attrs = models.JSONField(default=dict, blank=True)
    geom = models.GeometryField(srid=4326, spatial_index=False)
    edited = models.BooleanField(default=False)
    version = models.IntegerField(default=1, db_default=1)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    updated = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "territory_feature"
        constraints = [models.UniqueConstraint(fields=["layer", "source"], name="territory_feature_source")]
        indexes = [
            # Layer first: one index serves every layer, each as if it had its own (btree_gist).
            GistIndex(fields=["layer", "geom"], name="territory_feature_geom", condition=models.Q(valid_to=None)),
            models.Index(fields=["layer", "id"], name="territory_feature_page", condition=models.Q(valid_to=None)),
        ]

    def __str__(self) -> str:
        return self.name or self.source


class FeatureChange(models.Model):
    """What somebody changed, one row a change, never altered: the history that people read. Imports write none
    (a million rows of no interest); a feature they brought keeps `source` instead."""

    feature = models.BigIntegerField(db_index=True)
    layer = models.ForeignKey(Layer, on_delete=models.CASCADE)
    at = models.DateTimeField(db_default=Now())
    account = models.BigIntegerField(null=True)
    action = models.CharField(max_length=10)  # created, changed, removed, restored
    version = models.IntegerField()
    before = models.JSONField(null=True)  # {"name", "kind", "attrs", "geom": GeoJSON}
    after = models.JSONField(null=True)

    class Meta:
        db_table = "territory_feature_change"


class Raster(models.Model):
    """A grid over the ground (relief, later imagery): a tiled GeoTIFF in the home folder's rasters/."""

    slug = models.SlugField(unique=True, max_length=60)
    names = WordsField()
    file = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="elevation")
    bounds = models.PolygonField(srid=4326)
    stats = models.JSONField(default=dict)  # min, max, mean, width, height, resolution in metres
    imported = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "territory_raster"


class ImportRun(models.Model):
    """One file brought in: how far it went, what it changed, and every feature that could not be taken, with why."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    name = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)
    layer = models.CharField(max_length=60, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RUNNING)
    stage = models.CharField(max_length=200, blank=True)  # the last stage that is committed: where a new run goes on
    started = models.DateTimeField(db_default=Now())
    ended = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict)
    problems = models.JSONField(default=list)  # [{"line": 12, "reason": "..."}], the first 1,000
    account = models.BigIntegerField(null=True)

    class Meta:
        db_table = "territory_import"


class Closure(models.Model):
    """A stretch of road that nothing, or not everything, may use for a while. In force from `starts` to `ends` (null: until
    somebody ends it). modes: those it stops; empty for all that have a motor. height_m, weight_t: only trucks that are higher or, with
    their load, heavier; none: whatever their size."""

    class Reason(models.TextChoices):
        WORKS = "works", _("Road works")
        FLOOD = "flood", _("Flooded")
        ACCIDENT = "accident", _("Accident")
        OBSTACLE = "obstacle", _("Something blocks the road")
        EVENT = "event", _("Market, feast or march")
        OTHER = "other", _("Other reason")

    # Who asked for it, and what they call it: "desk:<uuid>", "reports:123". The same again changes that one.
    source = models.CharField(max_length=120, unique=True)
    reason = models.CharField(max_length=10, choices=Reason.choices, default=Reason.OTHER)
    words = models.CharField(max_length=250, blank=True)
    geom = models.GeometryField(srid=4326)  # a point (the nearest road), a line along the road, or an area
    modes = models.JSONField(default=list, blank=True)
    height_m = models.FloatField(null=True)
    weight_t = models.FloatField(null=True)
    starts = models.DateTimeField()
    ends = models.DateTimeField(null=True, blank=True)
    zone = models.BigIntegerField(null=True)  # the smallest around its middle, for who may change it
    public = models.BooleanField(default=True)
    account = models.BigIntegerField(null=True)
    made = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "territory_closure"
        indexes = [models.Index(fields=["ends", "starts"], name="territory_closure_when")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends=None) | models.Q(ends__gte=models.F("starts")), name="territory_closure_dates"
            )
        ]

    def __str__(self) -> str:
        return self.words or str(self.get_reason_display())


class RoadEdge(models.Model):
    """A piece of road between two junctions in one direction, as the routing knows it. Made anew with each network."""

    network = models.CharField(max_length=40)  # the folder of routing/ that it is of
    edge = models.BigIntegerField()  # Valhalla's GraphId
    feature = models.BigIntegerField()  # of the layer of streets
    forward = models.BooleanField()  # along the feature's line, or against it
    metres = models.FloatField()
    kmh = models.SmallIntegerField()
    geom = models.LineStringField(srid=4326, spatial_index=False)

    class Meta:
        db_table = "territory_road_edge"
        constraints = [models.UniqueConstraint(fields=["network", "edge"], name="territory_road_edge_once")]
        indexes = [
            GistIndex(fields=["network", "geom"], name="territory_road_edge_geom"),
            models.Index(fields=["network", "feature"], name="territory_road_edge_feature"),
        ]


class LiveSpeed(models.Model):
    """How fast a piece of road is just now, until that says nothing any more."""

    network = models.CharField(max_length=40)
    edge = models.BigIntegerField()
    kmh = models.SmallIntegerField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "territory_live_speed"
        constraints = [models.UniqueConstraint(fields=["network", "edge"], name="territory_live_speed_once")]


class RoadSpeed(models.Model):
    """What was driven on a street, by direction and hour of the week (0 is Sunday from midnight, the town's time)."""

    feature = models.BigIntegerField()
    forward = models.BooleanField()
    hour = models.SmallIntegerField()
    metres = models.FloatField()
    seconds = models.FloatField()
    passages = models.IntegerField()

    class Meta:
        db_table = "territory_road_speed"
        constraints = [
            models.UniqueConstraint(fields=["feature", "forward", "hour"], name="territory_road_speed_once"),
            models.CheckConstraint(condition=models.Q(hour__range=(0, 167)), name="territory_road_speed_hour"),
        ]


class LearnedTrace(models.Model):
    """Which tracks speeds were learned from: a track that comes again teaches nothing twice."""

    key = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "territory_learned_trace"
