"""`doctor`: every real component looked at; a line each: what is so, and what to do when it is wrong."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from gettext import gettext as _
from pathlib import Path
from typing import Any, Literal

from toguna.cli import prepare, supervise
from toguna.kernel import cluster, places, town, workdays

WAITS = 600  # seconds after which what devices said should be in the database


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
        python, libraries, home, disk, memory, clock, database, postgis, geometry, tables, work, browser, static, town_file, calendar, mail,
        server, backups, reading, viruses, sms_gateway, devices, routing,
    ]  # fmt: skip
    asleep = not cluster.external() and cluster.Cluster().status().status != "running"
    for check in checks:
        try:
            if asleep and check in {postgis, tables, work}:
                yield Finding(_(check.__name__), "warn", _("not looked at: the database is stopped"), "./toguna serve")
            else:
                yield check()
        except Exception as error:
            text = f"{type(error).__name__}: {error}".strip().splitlines()[0]
            yield Finding(check.__name__.replace("_", " "), "fail", text, _("./toguna serve, then look again"))


def python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(_("python"), "ok", f"{version}, {sys.executable}")


def libraries() -> Finding:
    lock, done = places.checkout() / "requirements.lock", places.checkout() / ".venv" / "requirements.lock.done"
    if done.exists() and done.read_bytes() == lock.read_bytes():
        return Finding(_("libraries"), "ok", _("as locked"))
    return Finding(_("libraries"), "warn", _("not as locked"), _("run any ./toguna command: it sets them up"))


def home() -> Finding:
    folder = places.home()
    folder.mkdir(parents=True, exist_ok=True)
    if not os.access(folder, os.W_OK):
        return Finding(
            _("home"), "fail", _("{path} cannot be written").format(path=folder), f"chown -R $(id -un) {folder}"
        )
    secret = folder / "secret"
    if secret.exists() and secret.stat().st_mode & 0o077:
        return Finding(_("home"), "fail", _("{path} can be read by others").format(path=secret), f"chmod 600 {secret}")
    return Finding(_("home"), "ok", str(folder))


def disk() -> Finding:
    free = shutil.disk_usage(places.home()).free / 2**30
    free_text = _("{size} GB free").format(size=f"{free:.1f}")
    if free < 0.5:
        return Finding(_("disk"), "fail", free_text, _("make room now: the database stops when it is full"))
    return Finding(_("disk"), "warn" if free < 3 else "ok", free_text, _("make room soon") if free < 3 else "")


def memory() -> Finding:
    lines = Path("/proc/meminfo").read_text().splitlines()
    left = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable")) / 2**20
    return Finding(
        _("memory"),
        "warn" if left < 0.4 else "ok",
        _("{size} GB free").format(size=f"{left:.1f}"),
        _("close other programs") if left < 0.4 else "",
    )


def clock() -> Finding:
    """After a power cut a machine without a battery wakes up in the past; records and one-time codes then go wrong."""
    known = max(path.stat().st_mtime for path in (places.checkout() / "requirements.lock", places.home()))
    now = time.time()
    text = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if now < known - 60:
        return Finding(_("clock"), "fail", text, _("it is in the past: set it, or install an NTP service"))
    return Finding(_("clock"), "ok", text)


def database() -> Finding:
    if cluster.external():
        import psycopg

        d = cluster.django_database()
        with psycopg.connect(
            host=d["HOST"],
            port=d["PORT"] or None,
            user=d["USER"],
            password=d["PASSWORD"],
            dbname=d["NAME"],
            connect_timeout=5,
            **d["OPTIONS"],
        ) as c:
            return Finding(_("database"), "ok", f"DATABASE_URL, PostgreSQL {c.info.server_version // 10000}")
    state = cluster.Cluster().status()
    if state.status == "running":
        return Finding(_("database"), "ok", f"PostgreSQL {state.version}, {state.data}")
    if not cluster.servers():
        return Finding(
            _("database"),
            "fail",
            _("PostgreSQL with PostGIS is not installed"),
            "apt-get install --no-install-recommends postgresql-postgis",
        )
    return Finding(_("database"), "warn", _("stopped") if state.version else _("none yet"), "./toguna serve")


def postgis() -> Finding:
    (version,) = _query("SELECT postgis_lib_version()")
    missing = [
        n for n in cluster.EXTENSIONS if not _query("SELECT count(*) FROM pg_extension WHERE extname = %s", n)[0]
    ]
    if missing:
        return Finding(
            _("postgis"),
            "fail",
            _("missing: {names}").format(names=", ".join(missing)),
            _("as superuser: {command}").format(command=f"CREATE EXTENSION {missing[0]}"),
        )
    return Finding(_("postgis"), "ok", version)


def geometry() -> Finding:
    from django.contrib.gis import gdal, geos

    point = geos.Point(0.0, 10.0, srid=4326)
    point.transform(3857)  # needs PROJ's data too
    return Finding(
        _("geometry libraries"), "ok", f"GDAL {gdal.gdal_version().decode()}, GEOS {geos.geos_version().decode()}"
    )


def tables() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    _setup()
    executor = MigrationExecutor(connection)
    late = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if late:
        return Finding(_("tables"), "warn", _("{count} changes to make").format(count=len(late)), "./toguna serve")
    return Finding(_("tables"), "ok", _("up to date"))


def work() -> Finding:
    failed, waiting = _query(
        "SELECT count(*) FILTER (WHERE status = 'failed'), "
        "count(*) FILTER (WHERE status = 'todo' AND (scheduled_at IS NULL OR scheduled_at < now() - interval '10 minutes')) "
        "FROM procrastinate_jobs"
    )
    (alive,) = _query("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '2 minutes'")
    if not alive:
        return Finding(
            _("worker"), "warn", _("none is alive; {count} jobs wait").format(count=waiting), "./toguna serve"
        )
    if failed:
        return Finding(
            _("worker"),
            "warn",
            _("{count} jobs failed for good").format(count=failed),
            _("look at them in /admin/ (Procrastinate jobs)"),
        )
    return Finding(_("worker"), "ok", _("alive; {count} jobs wait").format(count=waiting))


def browser() -> Finding:
    if (prepare.SITE / "vendor" / ".done").exists():
        return Finding(_("browser libraries"), "ok", _("fetched"))
    return Finding(
        _("browser libraries"),
        "warn",
        _("not fetched: pages work, without maps"),
        _("connect to a network, then ./toguna serve"),
    )


def static() -> Finding:
    if (places.home() / "static" / ".done").exists():
        return Finding(_("static files"), "ok", str(places.home() / "static"))
    return Finding(_("static files"), "warn", _("not prepared"), "./toguna serve")


def town_file() -> Finding:
    here = town.load()
    if here is None:
        return Finding(_("town"), "warn", _("none yet"), _("./toguna init, or ./toguna demo"))
    return Finding(
        _("town"), "ok", f"{here.name}, {here.country}, {'/'.join(here.languages)}, {here.currency}, {here.time_zone}"
    )


def calendar() -> Finding:
    """Deadlines, and rules of devices that know holidays."""
    try:
        here = workdays.current()
    except workdays.CalendarError as error:
        return Finding(_("calendar"), "fail", str(error), _("mend it: deadlines and holidays are counted by it"))
    return Finding(
        _("calendar"), "ok", _("holidays: {count}").format(count=len(here.yearly) + len(here.easter) + len(here.once))
    )


def mail() -> Finding:
    from django.conf import settings

    host = getattr(settings, "EMAIL_HOST", "")
    if not host or host == "localhost":
        return Finding(
            _("mail"),
            "warn",
            _("no server given: messages are kept and shown, not sent"),
            _("set it in {path}").format(path=town.path()),
        )
    return Finding(_("mail"), "ok", host)


def server() -> Finding:
    found = supervise.running()
    if found is None:
        return Finding(_("web server"), "warn", _("stopped"), "./toguna serve")
    if not supervise.answers(found.url):
        return Finding(
            _("web server"), "fail", _("{url} does not answer").format(url=found.url), "./toguna stop; ./toguna serve"
        )
    return Finding(_("web server"), "ok", found.url)


def backups() -> Finding:
    files = sorted((places.home() / "backups").glob("*.toguna"), key=lambda path: path.stat().st_mtime)
    if not files:
        return Finding(_("backup"), "warn", _("none"), _("./toguna backup, each night; keep copies on another machine"))
    days = (time.time() - files[-1].stat().st_mtime) / 86400
    return Finding(
        _("backup"),
        "warn" if days > 2 else "ok",
        _("{name}, {days} days old").format(name=files[-1].name, days=round(days)),
        "./toguna backup" if days > 2 else "",
    )


def reading() -> Finding:
    lacking = [name for name in ("tesseract", "gs", "unpaper") if not shutil.which(name)]
    if not lacking:
        return Finding(_("reading of scans"), "ok", "tesseract, ghostscript, unpaper")
    advice = "sudo apt install tesseract-ocr tesseract-ocr-fra tesseract-ocr-por tesseract-ocr-eng tesseract-ocr-osd ghostscript unpaper"
    return Finding(
        _("reading of scans"), "warn", _("scans wait: {names} is missing").format(names=", ".join(lacking)), advice
    )


def viruses() -> Finding:
    if any(Path(name).exists() for name in ("/run/clamav/clamd.ctl", "/run/clamd.scan/clamd.sock")) or shutil.which(
        "clamscan"
    ):
        return Finding(_("virus check"), "ok", "ClamAV")
    return Finding(_("virus check"), "warn", _("files are taken without one"), "sudo apt install clamav-daemon")


def sms_gateway() -> Finding:
    if shutil.which("bearerbox") or Path("/usr/sbin/bearerbox").exists():
        return Finding(_("SMS gateway"), "ok", "Kannel")
    return Finding(
        _("SMS gateway"), "warn", _("Kannel is not here: SMS leave by an aggregator only"), "sudo apt install kannel"
    )


def devices() -> Finding:
    """What devices said, on the disk: loaded within seconds, or waiting for the database; each process keeps its last 16 MB."""
    _setup()
    from toguna.engines.telemetry import api

    if found := api.spool_unread():
        text = _("{count} files of the spool cannot be read to their end").format(count=len(found))
        return Finding(_("devices"), "warn", text, _("keep a copy of {path}, then remove it").format(path=found[0]))
    size, since = api.spool_waiting()
    text = _("nothing waits")
    if since is not None:
        text = _("{size} MB wait for the database since {time}").format(
            size=f"{max(size / 1e6, 0.1):.1f}", time=time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(since))
        )
    room = api.spool_room(places.home())
    text += _(", room for {size} MB more").format(size=round(room / 1e6))
    if not room:
        return Finding(_("devices"), "fail", text, _("make room now: nothing that devices say is taken any more"))
    if since is not None and time.time() - since > WAITS:
        return Finding(
            _("devices"), "warn", text, _("look at the database; it is loaded in its order when that is back")
        )
    return Finding(_("devices"), "ok", text)


def routing() -> Finding:
    from toguna.engines.territory.routing import programs

    if programs.program("valhalla_service") is None:
        return Finding(
            _("routing"), "warn", _("Valhalla is not here: no routes are computed"), _("connect to a network, then ./toguna serve")
        )  # fmt: skip
    if programs.current() is None:
        return Finding(_("routing"), "warn", _("no road network was built yet"), "./toguna routing build")
    if supervise.running() is not None and programs.serving() is None:
        return Finding(_("routing"), "fail", _("Valhalla does not answer"), "./toguna stop; ./toguna serve")
    return Finding(_("routing"), "ok", f"Valhalla {programs.VERSION}")


def _setup() -> None:
    import django

    django.setup()


def _query(statement: str, *values: str) -> tuple[Any, ...]:
    _setup()
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))
        return tuple(cursor.fetchone() or ())
