"""The staff's list of 50 among 1,000,000 reports, with its tabs' numbers, its table by team and its filters.

Method: `_million.timed`. Rival: Signalen 2.50 for its list of 50 (502 ms and 263 statements, at 3,000 reports, on such a machine).
"""

from __future__ import annotations

from bench import Result, _million

LIST, TARGET_MS, TARGET_STATEMENTS = "/desk/reports/", 25, 12
OTHERS = {
    "late ones": f"{LIST}?view=late", "a category": f"{LIST}?topic=pothole", "a state": f"{LIST}?state=received",
    "a search": f"{LIST}?q=mosqu", "the public list": "/reports/",
}  # fmt: skip


def run() -> list[Result]:
    database = _million.ready()
    try:
        found = _million.timed([LIST, *OTHERS.values()])
    finally:
        database.stop()
    took, statements = found[LIST]
    others = ", ".join(f"{name} {found[path][0]:.0f} ms" for name, path in OTHERS.items())
    return [
        Result(
            "report-list", "ms", round(took, 1), 502.0, "Signalen 2.50 at 3,000 reports", round(502 / took, 2),
            f"inbox of 50 {_million.OF}; {others}; target {TARGET_MS} ms: x{TARGET_MS / took:.2f}",
        ),
        Result(
            "report-list-statements", "SQL statements", statements, 263.0, "Signalen 2.50", round(263 / statements, 2),
            f"the whole page; target {TARGET_STATEMENTS}",
        ),
    ]  # fmt: skip
