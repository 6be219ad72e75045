"""What sends: devices, how their words are read, what was last heard of each, and what was not believed."""

from __future__ import annotations

import pghistory
from django.contrib.gis.db import models
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from toguna.kernel.text import WordsField

# UCUM: as people write it, where that is another.
SIGNS = {
    "1": "", "Cel": "°C", "L": "l", "m3": "m³", "m3/h": "m³/h", "ug/m3": "µg/m³", "kW.h": "kWh", "dB[mW]": "dBm", "dB[SPL]": "dB",
}  # fmt: skip


class Quantity(models.Model):
    """What is measured. code: as payloads name it; unit: UCUM (https://ucum.org); low, high: beyond them a value is no
    reading but a fault, and is refused."""

    id = models.SmallAutoField(primary_key=True)
    code = models.SlugField(unique=True, max_length=30)
    unit = models.CharField(max_length=20, blank=True)
    names = WordsField(default=dict)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)

    class Meta:
        db_table = "telemetry_quantity"
        ordering = ["code"]

    def __str__(self) -> str:
        return self.code

    @property
    def sign(self) -> str:
        """Its unit as people write it; "" for what is only counted."""
        return SIGNS.get(self.unit, self.unit)


@pghistory.track()
class Decoder(models.Model):
    """How a make of device is read, as data: see `devices.decoding`. fields: [{"quantity", "field" or "byte", ...}]."""

    slug = models.SlugField(unique=True, max_length=60)
    name = models.CharField(max_length=120)
    fields = models.JSONField(default=list)

    class Meta:
        db_table = "telemetry_decoder"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


@pghistory.track()
class Device(models.Model):
    """One object that sends. It is believed at its own door only, and only while active.

    code: what it calls itself there (IMEI, DevEUI, its user name in MQTT); service, ref: whose it is and for what ("waste",
    "bin:12"); key_number: its keys are made from it and the town's secret (see `devices.keys`), so none is stored; signed:
    each message must carry a signature; every: seconds between two messages, as promised; lat, lon, stays: where it is
    fixed, and the metres that it may be away from there; fastest: km/h, beyond which a position is a jump."""

    class Kind(models.TextChoices):
        SENSOR = "sensor", _("sensor")
        TRACKER = "tracker", _("tracker of a vehicle")
        SCALE = "scale", _("scale")
        PHONE = "phone", _("phone")

    class Door(models.TextChoices):
        MQTT = "mqtt", _("MQTT")
        HTTP = "http", _("HTTP")
        LORAWAN = "lorawan", _("LoRaWAN network server")
        TCP = "tcp", _("tracker over TCP")
        SMS = "sms", _("SMS")
        PHONE = "phone", _("phone with a key")

    class State(models.TextChoices):
        WAITING = "waiting", _("in quarantine")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")

    id = models.AutoField(primary_key=True)
    code = models.CharField(
        max_length=64, unique=True, validators=[RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
    )
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.SENSOR)
    door = models.CharField(max_length=10, choices=Door.choices)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    why = models.CharField(max_length=20, blank=True)  # it is in quarantine: unknown, clone, sequence
    service = models.CharField(max_length=30, blank=True)
    ref = models.CharField(max_length=60, blank=True)
    zone = models.BigIntegerField(null=True, blank=True)
    decoder = models.ForeignKey(Decoder, null=True, blank=True, on_delete=models.PROTECT)
    key_number = models.SmallIntegerField(default=1)
    signed = models.BooleanField(default=False)
    phone = models.CharField(max_length=20, blank=True)  # E.164: whose SMS are its own
    every = models.PositiveIntegerField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    stays = models.PositiveIntegerField(null=True, blank=True)
    fastest = models.PositiveSmallIntegerField(default=160)
    public = models.BooleanField(default=False)  # what it measures is anyone's to read (rain, air), never where it goes
    made = models.DateTimeField(db_default=Now())
    changed = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "telemetry_device"
        constraints = [
            models.UniqueConstraint(fields=["phone"], condition=~Q(phone=""), name="telemetry_device_phone"),
            models.CheckConstraint(
                condition=Q(stays__isnull=True) | Q(lat__isnull=False, lon__isnull=False), name="telemetry_device_stays"
            ),
        ]
        indexes = [
            models.Index(fields=["service", "ref"], name="telemetry_device_ref"),
            models.Index(fields=["changed"], name="telemetry_device_changed"),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        if self.public and self.kind in (self.Kind.TRACKER, self.Kind.PHONE):
            raise ValidationError({"public": _("What moves says where somebody is: that is nobody else's to read.")})


class NetworkKey(models.Model):
    """A key of LoRaWAN network servers that was renewed; the last holds, and before the first, number 0."""

    number = models.SmallIntegerField(primary_key=True)
    made = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "telemetry_network_key"


class Latest(models.Model):
    """The last that is known of a device, apart from the millions of readings; the only geometry.

    at: of its newest reading; heard: when something last came; values: {quantity: [value, epoch seconds]}; drift: seconds by which
    its clock is behind ours (below zero: ahead), smoothed; other_*: where it also said to be, which cannot be (see `intake.moving`)."""

    device = models.OneToOneField(Device, primary_key=True, on_delete=models.CASCADE, related_name="latest")
    at = models.DateTimeField(null=True)
    heard = models.DateTimeField(null=True)
    seq = models.BigIntegerField(default=-1)
    values = models.JSONField(default=dict)
    battery = models.FloatField(null=True)
    drift = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    geom = models.PointField(srid=4326, null=True, spatial_index=False)
    position_at = models.DateTimeField(null=True)
    speed = models.FloatField(null=True)  # km/h
    course = models.FloatField(null=True)  # degrees from north
    other_lat = models.FloatField(null=True)
    other_lon = models.FloatField(null=True)
    other_at = models.DateTimeField(null=True)
    jumps = models.SmallIntegerField(default=0)
    swaps = models.SmallIntegerField(default=0)
    resets = models.SmallIntegerField(default=0)
    taken = models.BigIntegerField(default=0)
    twice = models.BigIntegerField(default=0)

    class Meta:
        db_table = "telemetry_latest"
        indexes = [models.Index(fields=["lat", "lon"], name="telemetry_latest_place")]


class Refused(models.Model):
    """What came and was not believed, kept to be looked at. The same thing again only counts.

    digest: of what came when each counts (signed devices), "" otherwise; body: its beginning, as hexadecimal when it is no text."""

    class Reason(models.TextChoices):
        UNKNOWN = "unknown", _("device unknown")
        DOOR = "door", _("came by another door")
        KEY = "key", _("wrong key")
        SIGNATURE = "signature", _("wrong or missing signature")
        RETIRED = "retired", _("device retired")
        QUARANTINE = "quarantine", _("device in quarantine")
        UNREADABLE = "unreadable", _("cannot be read")
        RANGE = "range", _("value out of range")
        CLOCK = "clock", _("wrong clock")
        REPLAY = "replay", _("sent before")
        MOVED = "moved", _("not where it belongs")
        JUMP = "jump", _("position jumped")

    device = models.ForeignKey(Device, null=True, on_delete=models.CASCADE)
    code = models.CharField(max_length=64)
    door = models.CharField(max_length=10)
    reason = models.CharField(max_length=10, choices=Reason.choices)
    digest = models.CharField(max_length=64, blank=True)
    body = models.TextField(blank=True)
    count = models.IntegerField(default=1)
    first = models.DateTimeField(db_default=Now())
    last = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "telemetry_refused"
        constraints = [
            models.UniqueConstraint(fields=["code", "door", "reason", "digest"], name="telemetry_refused_once")
        ]
        indexes = [models.Index(fields=["-last"], name="telemetry_refused_last")]
