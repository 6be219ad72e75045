"""`doctor`: every real component looked at; a line each: what is so, and what to do when it is wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from toguna.cli import prepare, supervise
from toguna.kernel import cluster, places, town


@dataclass(frozen=True)
class Finding:
    """state: ok, warn (works, but look at it) or fail; advice: what to do, "" when ok."""

    part: str
    state: Literal["ok", "warn", "fail"]
    text: str
    advice: str = ""


def run(*, as_json: bool) -> int:
    found = list(findings())
    if as_json:
        print(json.dumps([asdict(f) for f in found], ensure_ascii=False))
    else:
        for f in found:
            print(f"{f.state:<5} {f.part:<18} {f.text}" + (f"\n      -> {f.advice}" if f.advice else ""))
    return 1 if any(f.state == "fail" for f in found) else 0


def findings() -> Iterator[Finding]:
    """Looks at each part; one that raises is a failure of that part, never of the doctor."""
    checks: list[Callable[[], Finding]] = [
        python, libraries, home, disk, memory, database, postgis, geometry, tables, work, browser, static, town_file, mail,
        server, backups,
    ]  # fmt: skip
    for check in checks:
        try:
            yield check()
        except Exception as error:
            yield Finding(
                check.__name__.replace("_", " "),
                "fail",
                f"{type(error).__name__}: {error}",
                "./toguna serve, then look again",
            )


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding("python", "ok", f"{version}, {sys.executable}")


def libraries() -> Finding:
    lock, done = places.checkout() / "requirements.lock", places.checkout() / ".venv" / "requirements.lock.done"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return Finding("libraries", "ok", "as locked")
    return Finding("libraries", "warn", "not as locked", "run any ./toguna command: it sets them up")


def home() -> Finding:
    folder = places.home()
    if not os.access(folder, os.W_OK):
        return Finding("home", "fail", f"{folder} cannot be written", f"chown -R $(id -un) {folder}")
    secret = folder / "secret"
    if secret.exists() and secret.stat().st_mode & 0o077:
        return Finding("home", "fail", f"{secret} can be read by others", f"chmod 600 {secret}")
    return Finding("home", "ok", str(folder))


def disk() -> Finding:
    free = shutil.disk_usage(places.home()).free / 2**30
    if free < 0.5:
        return Finding("disk", "fail", f"{free:.1f} GB free", "make room now: the database stops when it is full")
    return Finding("disk", "warn" if free < 3 else "ok", f"{free:.1f} GB free", "make room soon" if free < 3 else "")


def memory() -> Finding:
    lines = Path("/proc/meminfo").read_text().splitlines()
    left = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 2**20
    return Finding(
        "memory",
        "warn" if left < 0.4 else "ok",
        f"{left:.1f} GB available",
        "close other programs" if left < 0.4 else "",
    )


def database() -> Finding:
    if cluster.external():
        import psycopg
        from django.conf import settings

        d = settings.DATABASES["default"]
        with psycopg.connect(
            host=d["HOST"], port=d["PORT"], user=d["USER"], password=d["PASSWORD"], dbname=d["NAME"]
        ) as c:
            return Finding("database", "ok", f"DATABASE_URL, PostgreSQL {c.info.server_version // 10000}")
    state = cluster.Cluster().status()
    if state.status == "running":
        return Finding("database", "ok", f"PostgreSQL {state.version}, process {state.pid}, {state.data}")
    if not cluster.servers():
        return Finding(
            "database", "fail", "PostgreSQL with PostGIS is not installed", "apt-get install postgresql-postgis"
        )
    return Finding("database", "warn", state.status, "./toguna serve starts it")


def postgis() -> Finding:
    (version,) = _query("SELECT postgis_lib_version()")
    missing = [
        n for n in cluster.EXTENSIONS if not _query("SELECT count(*) FROM pg_extension WHERE extname = %s", n)[0]
    ]
    if missing:
        return Finding(
            "postgis", "fail", f"missing: {', '.join(missing)}", f"as superuser: CREATE EXTENSION {missing[0]}"
        )
    return Finding("postgis", "ok", version)


def geometry() -> Finding:
    from django.contrib.gis import gdal, geos

    point = geos.Point(0.0, 10.0, srid=4326)
    point.transform(3857)  # needs PROJ's data too
    return Finding(
        "geometry libraries", "ok", f"GDAL {gdal.gdal_version().decode()}, GEOS {geos.geos_version().decode()}"
    )


def tables() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    _setup()
    executor = MigrationExecutor(connection)
    late = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if late:
        return Finding("tables", "warn", f"{len(late)} changes to make", "./toguna serve makes them")
    return Finding("tables", "ok", "up to date")


def work() -> Finding:
    failed, waiting = _query(
        "SELECT count(*) FILTER (WHERE status = 'failed'), "
        "count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at < now() - interval '10 minutes')) "
        "FROM procrastinate_jobs"
    )
    (alive,) = _query("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '2 minutes'")
    if not alive:
        return Finding("worker", "warn", f"none is alive; {waiting} jobs wait", "./toguna serve starts one")
    if failed:
        return Finding(
            "worker", "warn", f"{failed} jobs failed for good", "look at them in /admin/ (Procrastinate jobs)"
        )
    return Finding("worker", "ok", f"{alive} alive, {waiting} jobs wait")


def browser() -> Finding:
    if (prepare.SITE / "vendor" / ".done").exists():
        return Finding("browser libraries", "ok", "fetched")
    return Finding(
        "browser libraries", "warn", "not fetched: pages work, without maps", "connect to a network; ./toguna serve"
    )


def static() -> Finding:
    if (places.home() / "static" / ".done").exists():
        return Finding("static files", "ok", str(places.home() / "static"))
    return Finding("static files", "warn", "not prepared", "./toguna serve prepares them")


def town_file() -> Finding:
    here = town.load()
    if here is None:
        return Finding("town", "warn", "none yet", "./toguna init, or ./toguna demo")
    return Finding(
        "town", "ok", f"{here.name}, {here.country}, {'/'.join(here.languages)}, {here.currency}, {here.time_zone}"
    )


def mail() -> Finding:
    from django.conf import settings

    host = getattr(settings, "EMAIL_HOST", "")
    if not host or host == "localhost":
        return Finding(
            "mail", "warn", "no server given: messages are kept and shown, not sent", f"[mail] in {town.path()}"
        )
    return Finding("mail", "ok", host)


def server() -> Finding:
    found = supervise.running()
    if found is None:
        return Finding("web server", "warn", "stopped", "./toguna serve")
    if not supervise.answers(found.url):
        return Finding("web server", "fail", f"{found.url} does not answer", "./toguna stop; ./toguna serve")
    return Finding("web server", "ok", found.url)


def backups() -> Finding:
    files = sorted((places.home() / "backups").glob("*.toguna"), key=lambda path: path.stat().st_mtime)
    if not files:
        return Finding("backup", "warn", "none", "./toguna backup, each night; keep copies on another machine")
    days = (time.time() - files[-1].stat().st_mtime) / 86400
    return Finding(
        "backup",
        "warn" if days > 2 else "ok",
        f"{files[-1].name}, {days:.0f} days old",
        "./toguna backup" if days > 2 else "",
    )


def _setup() -> None:
    import django

    django.setup()


def _query(statement: str, *values: object) -> tuple[object, ...]:
    _setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return tuple(cursor.fetchone() or ())
