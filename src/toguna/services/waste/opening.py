"""Hours of places and of people, by the town's clock: kept as those of a resource of bookings are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from toguna.kernel import text

Hours = Sequence[Mapping[str, Any]]
EVERY_DAY = [1, 2, 3, 4, 5, 6, 7]
HELP = gettext_lazy("Such as 7:00-12:00, 15:00-19:00; or with days: Mon-Fri 8:00-17:00; Sat 8:00-12:00. Empty: always.")
# As people begin to write them, in each of our languages: Monday first.
_NAMES = "mon lun seg, tue mar ter, wed mer qua, thu jeu qui, fri ven sex, sat sam sab, sun dim dom"
_DAYS = {name: n for n, names in enumerate(_NAMES.split(", "), 1) for name in names.split()}
_TOKEN = re.compile(
    r"(2[0-3]|[01]?\d)\s*[:hH.]?\s*([0-5]\d)?\s*[-–]\s*(2[0-4]|[01]?\d)(?!\d)\s*[:hH.]?(?:\s*([0-5]\d)(?!\d|\s*[-–:hH.]))?"
    r"|([^\W\d_]{3,})(?:-feira)?\.?(?:\s*(?:[-–]|\b(?:au|à|a|to|até)\b)\s*([^\W\d_]{3,})(?:-feira)?\.?)?"
)


def read(typed: str) -> list[dict[str, Any]]:
    """ "7:00-12:00, 15h-19h", or "Mon-Fri 8:00-17:00; Sat 8:00-12:00": hours are of the days before them, of every day where none is
    named. Raises ValidationError, in words."""
    rows: list[dict[str, Any]] = []
    days: list[int] = []
    named = False  # what comes next is more of the same list of days
    for found in _TOKEN.finditer(typed):
        if found[5]:
            days, named = [*(days if named else ()), *_between(found[5], found[6] or found[5])], True
        else:
            named = False
            opens, closes = (f"{int(found[n]):02}:{found[n + 1] or '00'}" for n in (1, 3))
            closes = "23:59" if closes.startswith("24") else closes
            rows.append({"days": sorted(set(days)) or EVERY_DAY, "from": opens, "to": closes})
    if named or _TOKEN.sub("", typed).strip(" ,;.\r\n") or not all(row["from"] < row["to"] for row in rows):
        raise _wrong()
    for day in EVERY_DAY:
        spans = sorted((row["from"], row["to"]) for row in rows if day in row["days"])
        if any(a[1] > b[0] for a, b in itertools.pairwise(spans)):
            raise _wrong()
    return sorted(rows, key=lambda row: (row["days"], row["from"]))


def _between(first: str, last: str) -> list[int]:
    start, end = (_DAYS.get(text.fold(name)[:3]) for name in (first, last))
    if start is None or end is None:
        raise _wrong()
    return [(start - 1 + n) % 7 + 1 for n in range((end - start) % 7 + 1)]


def _wrong() -> ValidationError:
    return ValidationError(_("Give hours such as 7:00-12:00, 15:00-19:00, or Mon-Fri 8:00-17:00; Sat 8:00-12:00."))


def shown(hours: Hours) -> str:
    """As `read` reads them: "07:00-12:00", "Mon-Fri 08:00-17:00; Sat 08:00-12:00"; "" for always."""
    of: dict[tuple[int, ...], list[str]] = {}
    for row in hours:
        of.setdefault(tuple(sorted(row["days"])), []).append(f"{row['from']}-{row['to']}")
    return "; ".join(f"{named(days)} {', '.join(spans)}".strip() for days, spans in of.items())


def named(days: Sequence[int]) -> str:
    """ "Mon-Fri", "Mon, Thu"; "" for every day."""
    if len(days) == 7:
        return ""
    runs: list[list[int]] = []
    for day in days:
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = {n: str(name) for n, name in enumerate(WEEKDAYS_ABBR.values(), 1)}
    return ", ".join(
        f"{names[run[0]]}-{names[run[-1]]}" if len(run) > 2 else ", ".join(names[day] for day in run) for run in runs
    )


def is_open(hours: Hours, at: datetime | None = None) -> bool:
    """Whether it is open at that moment; without hours: always."""
    local = timezone.localtime(at or timezone.now())
    now = f"{local:%H:%M}"
    return not hours or any(local.isoweekday() in row["days"] and row["from"] <= now < row["to"] for row in hours)


def closed(hours: Hours, at: datetime | None = None) -> str:
    """ "closed now, opens Mon at 08:00", in words; "" when it is open."""
    if is_open(hours, at):
        return ""
    local = timezone.localtime(at or timezone.now())
    for ahead in range(8):
        day = (local + timedelta(days=ahead)).isoweekday()
        begins = sorted(
            row["from"] for row in hours if day in row["days"] and (ahead or row["from"] > f"{local:%H:%M}")
        )
        if begins and not ahead:
            return _("closed now, opens at %(hour)s") % {"hour": begins[0]}
        if begins:
            return _("closed now, opens %(day)s at %(hour)s") % {"day": WEEKDAYS_ABBR[day - 1], "hour": begins[0]}
    return _("closed now")
