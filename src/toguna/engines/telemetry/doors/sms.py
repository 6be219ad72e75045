"""Devices that report by SMS: what comes from the number of one is what it says."""

from __future__ import annotations

import re

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.engines.channels.api import Command, Said, Stop
from toguna.engines.telemetry.intake import taking
from toguna.engines.telemetry.models import Device

_SIGNATURE = re.compile(r"\s+([0-9a-fA-F]{16})\s*$")


def _code(said: Said) -> str | None:
    if said.medium != "sms" or not said.address:
        return None
    found = Device.objects.filter(phone=said.address, door=Device.Door.SMS).exclude(state=Device.State.RETIRED)
    return found.values_list("code", flat=True).first()


def _claim(said: Said) -> float:
    return 1.0 if any(c in said.text for c in "=:") and _code(said) else 0.0


def _run(said: Said) -> str:
    code = _code(said)
    if code is None:
        raise Stop(_("This number is not that of a device of the town."))
    text = said.text.strip()
    signed = _SIGNATURE.search(text)
    if signed:
        text = f"{text[: signed.start()]}\n{signed[1].lower()}"
    done = taking.answer(
        [taking.record(Device.Door.SMS, code, text.encode(), proof=f"phone:{said.address}", form="words")]
    )
    return "OK" if done is None or done.rows or done.twice else "KO"


DATA = Command(
    name="device-data",
    title=gettext_lazy("readings of a device"),
    keywords={"fr": ("MESURE", "CAPTEUR"), "pt": ("MEDICAO", "SENSOR"), "en": ("READING", "READINGS")},
    example={"fr": "MESURE fill=71", "pt": "MEDICAO fill=71", "en": "READING fill=71"},
    run=_run,
    claim=_claim,
    menu=False,
    order=950,
)
