"""One door for every file: looks at what it is, keeps an ImportRun, hands it to what reads it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from toguna.engines.territory import formats, names, osm, rasters, zones
from toguna.engines.territory.models import ImportRun
from toguna.engines.territory.refusal import ImportRefused
from toguna.engines.territory.routing import build
from toguna.kernel import audit, tasks
from toguna.kernel.access import SYSTEM, Actor

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class ImportReport:
    """counts: read, added, changed, closed, zones...; problems: [{"line", "reason"}], what could not be taken or was mended."""

    name: str
    counts: dict[str, int]
    problems: list[dict[str, Any]]

    def __str__(self) -> str:
        lines = [f"{self.name}: " + ", ".join(f"{key} {value:,}" for key, value in self.counts.items())]
        lines += [f"  {p['line']}: {p['reason']}" for p in self.problems[:20]]
        if len(self.problems) > 20:
            lines.append(f"  … {len(self.problems) - 20} more")
        return "\n".join(lines)


def import_file(
    path: Path, *, layer: str | None = None, progress: Progress | None = None, by: Actor = SYSTEM
) -> ImportReport:
    """Imports a file of any known kind. Raises ImportRefused, with nothing changed, when it cannot be used at all.

    The same file given again after an interruption goes on where it stopped.
    """
    path = Path(path)
    tell = progress or (lambda step, share: None)
    if not path.is_file() or path.stat().st_size == 0:
        raise ImportRefused(_("This file is empty or cannot be read."))
    kind = formats.sniff(path)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    run = (
        ImportRun.objects.filter(digest=digest, layer=layer or "", state=ImportRun.State.RUNNING)
        .order_by("-id")
        .first()
    ) or ImportRun.objects.create(name=path.name, digest=digest, layer=layer or "", account=by.account)
    try:
        if kind == "osm":
            counts = osm.run(path, run, tell)
        elif kind == "raster":
            counts = rasters.bring_in(path, layer or path.name.partition(".")[0], tell)
        else:
            counts = formats.run(path, kind, layer or path.name.partition(".")[0], run, tell)
    except ImportRefused as error:
        run.state, run.ended, run.problems = (
            ImportRun.State.FAILED,
            timezone.now(),
            [{"line": "", "reason": str(error)}],
        )
        run.save()
        raise
    zones.forget()
    if kind != "raster":
        tell(_("Names"), 0.97)
        with osm.map_index():
            names.rebuild()
    run.state, run.ended, run.counts = ImportRun.State.DONE, timezone.now(), counts
    run.save()
    if kind != "raster":
        tasks.defer(build.build_soon)
    audit.record(by, "territory.import", f"territory.import:{run.pk}", counts=counts)
    return ImportReport(path.name, counts, run.problems)
