"""The statistics page of two years of 1,000,000 reports by month, district and category; and of a category in a district.

Method: `_million.timed`. Rival: the target.
"""

from __future__ import annotations

from bench import Result, _million

STATS, TARGET = "/reports/stats/?period=24", 300.0
CROSSED = (f"{STATS}&topic=pothole", f"{STATS}&zone=2", f"{STATS}&zone=2&topic=pothole")


def run() -> list[Result]:
    database = _million.ready()
    try:
        found = _million.timed([STATS, *CROSSED])
    finally:
        database.stop()
    (took, statements), crossed = found[STATS], max(found[path][0] for path in CROSSED)
    return [
        Result("report-stats", "ms", round(took, 1), TARGET, "target", round(TARGET / took, 2), f"{statements} statements, {_million.OF}"),
        Result("report-stats-crossed", "ms", round(crossed, 1), TARGET, "target", round(TARGET / crossed, 2), "the slowest: a category, a district, both"),
    ]  # fmt: skip
