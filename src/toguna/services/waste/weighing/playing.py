"""A scale at work, for trying: it weighs what households bring, signs it and sends it over HTTP, as a real one does. It can be told to do what a
scale must not."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from django.utils.translation import gettext as _

from toguna.engines.telemetry import api as telemetry
from toguna.services.waste import households
from toguna.services.waste.models import Household, Scale
from toguna.services.waste.weighing import actions

# What it is told to do: changed after it was signed; sent a second time; from a kilometre away; without saying where it is; more than it can
# weigh; an hour ahead; of a card that nobody has.
FAULTS = ("altered", "again", "moved", "nowhere", "heavy", "clock", "stranger")
HOMES = 500


def play(
    url: str, *, weighings: int = 30, seconds: float = 30.0, faults: Mapping[str, float] | None = None,
    say: Callable[[str], object] = print, seed: int = 0,
) -> Counter[str]:  # fmt: skip
    """So many weighings, spread over so many seconds, on all scales in service. faults: {fault: share}, the first that falls. How many messages
    were taken, refused at once, lost. Raises actions.Refused where there is nothing to weigh with, OSError where the town cannot be reached."""
    draw = random.Random(seed or time.time())  # noqa: S311 - a game
    scales = list(Scale.objects.filter(active=True).select_related("place").order_by("pk"))
    homes = list(Household.objects.exclude(address="").order_by("pk")[:HOMES])
    if not scales or not homes:
        raise actions.Refused(_("There is no scale in service, or no household with a card."))
    counted: Counter[str] = Counter()
    parts = urlsplit(url)
    door = HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=20)
    for number in range(weighings):
        began = time.monotonic()
        scale, home = draw.choice(scales), draw.choice(homes)
        fault = next((name for name, share in (faults or {}).items() if draw.random() < share), "")
        name, key = actions.key_of(scale)
        line = _line(scale, home, fault, draw)
        message = f"{line}\n{telemetry.sign(line.encode(), key)}"
        if fault == "altered":
            message = message.replace('"weight": ', '"weight": 1', 1)
        for _time in range(2 if fault == "again" else 1):
            became = _sent(door, name, message)
            counted[became] += 1
            say(f"{name}  {json.loads(line)['weight']:>7} kg  {home.code}  {fault or '-':<9} {became}")
        if number + 1 < weighings:
            time.sleep(max(0.0, seconds / weighings - (time.monotonic() - began)))
    door.close()
    return counted


def _line(scale: Scale, home: Household, fault: str, draw: random.Random) -> str:
    least, most = scale.least / 1000, scale.most / 1000
    now = time.time()
    said = {
        "at": round(now, 3), "seq": int(now * 1000), "weight": round(min(max(draw.lognormvariate(2.3, 0.6), least), most), 1),
        "card": households.number(home.code), "lat": round(scale.place.point.y, 6), "lon": round(scale.place.point.x, 6),
    }  # fmt: skip
    if fault == "moved":
        said["lat"] += 0.01
    elif fault == "nowhere":
        del said["lat"], said["lon"]
    elif fault == "heavy":
        said["weight"] = round(most + 1, 1)
    elif fault == "clock":
        said["at"] += 3600
    elif fault == "stranger":
        said["card"] = next(
            number for number in range(1, HOMES * 2) if households.by_card(households.code_of(number)) is None
        )
    return json.dumps(said)


def _sent(door: HTTPConnection, name: str, message: str) -> str:
    """ "taken", "refused" or "lost": what the town answers at once. What it finds out when it looks for the card stands at the desk."""
    try:
        door.request("POST", f"/telemetry/in/{name}", message, {"Content-Type": "text/plain"})
        answer = door.getresponse()
        said = json.loads(answer.read())
    except (HTTPException, ValueError):
        door.close()
        return "lost"
    return "taken" if answer.status == 202 and not said.get("refused") else "refused"
