"""An alarm of a device becomes a report, where a rule says so."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from toguna.engines.cases import api as cases
from toguna.engines.telemetry import api as telemetry
from toguna.engines.territory import api as territory
from toguna.kernel import text, town
from toguna.kernel.access import SYSTEM
from toguna.services.reports import topics
from toguna.services.reports.casetype import REPORT

CHANNEL = "sensor"


def _choices() -> Sequence[tuple[str, str]]:
    return [(one.slug, text.pick(one.names)) for one in topics.topics() if one.active]


def opened(alarm: telemetry.Alarm, category: str) -> None:
    """A report at the place of the device: one for each alarm. Where its position is not in the town, it is one of its zone; a category
    that was closed meanwhile gets nothing."""
    topic = topics.topic(category)
    if topic is None:
        return
    language = town.current().languages[0]
    device, rule = alarm.device, text.pick(alarm.rule.titles, language)
    lon, lat = (alarm.lon, alarm.lat) if alarm.lat is not None else (device.lon, device.lat)
    inside = lon is not None and lat is not None and territory.place(lon, lat).inside
    asked = cases.Asked(
        REPORT.name, topic, f"{rule}: {device.name}", lon=lon if inside else None, lat=lat if inside else None, zone=device.zone,
        language=language, channel=CHANNEL, client_id=uuid.uuid5(uuid.NAMESPACE_OID, f"telemetry.alarm:{alarm.pk}"),
    )  # fmt: skip
    with contextlib.suppress(cases.Refused), transaction.atomic():
        cases.open_case(asked, by=SYSTEM)


ON_ALARM = telemetry.AlarmReaction("report", _("Open a report"), "reports.handle", _choices, opened)
