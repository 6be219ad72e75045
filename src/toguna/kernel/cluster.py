"""A PostgreSQL of Toguna's own: one folder, one unix socket, no TCP port, no configuration, no root.

With DATABASE_URL none of this runs: the town's own or a managed PostgreSQL is used instead.

The data folder is `pg/` in the home folder. When Toguna is started by root, the server runs as an unprivileged system
user; if that user cannot reach the home folder (a checkout under /root), the data goes to /var/lib/toguna/<hash> and
`pg.path` in the home folder says so.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from gettext import gettext as _  # of the command line, which alone shows these: they come before Django
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, unquote, urlsplit

import psycopg
from psycopg import sql

from toguna.kernel import places

EXTENSIONS = ("postgis", "pg_trgm", "btree_gist", "unaccent", "fuzzystrmatch")
NAME = "toguna"
SOCKET_LIMIT = 107 - len("/.s.PGSQL.5432.lock")  # sockaddr_un.sun_path, less what PostgreSQL puts after the folder
ENGINE = "django.contrib.gis.db.backends.postgis"

_INCLUDE = "include_if_exists = 'toguna.conf'"

# For a small server that also runs the web and worker processes in 2 GiB.
SETTINGS = """\
# Written by Toguna at every start. Put changes of your own in postgresql.conf, below the include.
listen_addresses = ''
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = 160MB
effective_cache_size = 700MB
work_mem = 12MB
maintenance_work_mem = 128MB
max_wal_size = 2GB
checkpoint_completion_target = 0.9
wal_compression = on
random_page_cost = 1.1
jit = off
max_parallel_workers_per_gather = 1
log_min_duration_statement = 2000
log_checkpoints = off
timezone = 'UTC'
"""


class ClusterError(Exception):
    """The cluster cannot start or be used; str() says why and what to do."""


@dataclass(frozen=True)
class ClusterState:
    """status: absent (no data yet), stopped, or running; version: of the data folder; pid: of the postmaster."""

    status: Literal["absent", "stopped", "running"]
    data: Path
    socket: Path
    version: int | None = None
    pid: int | None = None


def external() -> bool:
    """Whether the town uses a PostgreSQL of its own (DATABASE_URL)."""
    return bool(os.environ.get("DATABASE_URL"))


def django_database() -> dict[str, Any]:
    """Django's DATABASES["default"]. Connects to nothing. Raises ClusterError when DATABASE_URL is not a PostgreSQL URL."""
    given = os.environ.get("DATABASE_URL", "")
    if not given:
        return {"ENGINE": ENGINE, "NAME": NAME, "USER": NAME, "HOST": str(Cluster().socket), "PORT": ""}
    url = urlsplit(given)
    if url.scheme not in {"postgres", "postgresql", "postgis"} or not url.path.strip("/"):
        raise ClusterError(_("DATABASE_URL must read postgres://USER:PASSWORD@HOST:PORT/NAME"))
    options = dict(parse_qsl(url.query))
    return {
        "ENGINE": ENGINE,
        "NAME": unquote(url.path.strip("/")),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": options.pop("host", None) or unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "OPTIONS": options,
    }


def servers() -> dict[int, Path]:
    """Installed PostgreSQL servers that have PostGIS: {major version: folder of the programs}, newest first."""
    found: dict[int, Path] = {}
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr/pgsql").glob("*/bin")]
    if on_path := shutil.which("pg_config"):
        told = subprocess.run([on_path, "--bindir"], capture_output=True, text=True, check=False).stdout.strip()
        candidates.append(Path(told or "/nonexistent"))
    for folder in candidates:
        if not (folder / "postgres").exists():
            continue
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
        if match := re.search(r"(\d+)(?:\.\d+|devel|beta|rc)", said):
            major = int(match[1])
            share = (
                subprocess.run([folder / "pg_config", "--sharedir"], capture_output=True, text=True, check=False)
                if (folder / "pg_config").exists()
                else None
            )
            shares = [Path(f"/usr/share/postgresql/{major}")]
            if share is not None and share.returncode == 0:
                shares.append(Path(share.stdout.strip()))
            if any((s / "extension" / "postgis.control").exists() for s in shares):
                found[major] = folder
    return dict(sorted(found.items(), reverse=True))


class Cluster:
    """The private cluster of one home folder."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or places.home()
        self._hash = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        self.user = _server_user()

    # Where it is

    @property
    def data(self) -> Path:
        """The data folder. Elsewhere than in the home folder only when `pg.path` says so."""
        try:
            return Path((self.home / "pg.path").read_text().strip())
        except OSError:
            return self.home / "pg"

    @property
    def socket(self) -> Path:
        """The folder of the unix socket: beside the data, or a short private one where the path would be too long."""
        near = self.data.parent / ("run" if self.data.parent == self.home else f"{self.data.name}.run")
        if len(os.fsencode(near)) <= SOCKET_LIMIT:
            return near
        if os.geteuid() == 0:
            return Path(f"/run/toguna-{self._hash}")
        runtime = os.environ.get("XDG_RUNTIME_DIR")
        base = Path(runtime) if runtime and len(runtime) < 60 else Path("/tmp")  # noqa: S108 - owner and mode are checked
        return base / f"toguna-{os.geteuid()}-{self._hash}"

    @property
    def log(self) -> Path:
        return self.data.with_name(self.data.name + ".log")

    # What state it is in

    def status(self) -> ClusterState:
        """Looks only, changes nothing."""
        version = self._version()
        if version is None:
            return ClusterState("absent", self.data, self.socket)
        pid = self._postmaster()
        return ClusterState("running" if pid else "stopped", self.data, self.socket, version, pid)

    def dsn(self, user: str = NAME, database: str = NAME) -> str:
        return psycopg.conninfo.make_conninfo(host=str(self.socket), user=user, dbname=database, connect_timeout=5)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn()).close()
        except psycopg.OperationalError:
            return False
        return True

    def _version(self) -> int | None:
        """Major version of the data folder, None when there is none yet. Raises ClusterError when it is no data folder."""
        if not self.data.exists() or not any(self.data.iterdir()):
            return None
        try:
            return int((self.data / "PG_VERSION").read_text().split(".")[0])
        except (OSError, ValueError):
            raise self._foreign() from None

    def _foreign(self) -> ClusterError:
        text = _("{folder} is not a PostgreSQL data folder of Toguna. Move it away, or choose another TOGUNA_HOME.")
        return ClusterError(text.format(folder=self.data))

    def _check_ours(self) -> None:
        """A folder that Toguna did not make would not read our settings: it might open a TCP port, with passwords of its own.

        Raises ClusterError.
        """
        try:
            ours = _INCLUDE in (self.data / "postgresql.conf").read_text("utf-8", "replace")
        except OSError:
            ours = False
        if not ours:
            raise self._foreign()
        owner = self.data.stat().st_uid
        if owner != self._owner()[0]:
            text = _("{folder} belongs to user {owner}: run Toguna as that user, or as root if root set it up.")
            raise ClusterError(text.format(folder=self.data, owner=_user_name(owner)))

    def _postmaster(self) -> int | None:
        """Pid of our own running postmaster: the pid file alone proves nothing after a power cut."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n")[0])
        except (OSError, ValueError):
            return None
        return pid if self._is_server(pid) else None

    def _is_server(self, pid: int) -> bool:
        """Whether a process is a PostgreSQL of this data folder, in which they all stand. Not a shell that stands there too."""
        with contextlib.suppress(OSError):
            entry = Path(f"/proc/{pid}")
            name, _end, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            return name == "postgres" and rest.split()[0] != "Z" and (entry / "cwd").resolve() == self.data.resolve()
        return False

    # What it can be told

    def ensure(self, say: Any = lambda text: None) -> ClusterState:
        """Makes it if it is not there, starts it if it is stopped. Quick when it runs. Raises ClusterError."""
        if self._postmaster() and self._answers():
            return self.status()
        return self.start(say)

    def start(self, say: Any = lambda text: None) -> ClusterState:
        """initdb when needed, start, role, database, extensions. Two callers at once are one after the other."""
        with self._lock():
            version = self._version()
            available = servers()
            if not available:
                raise ClusterError(
                    _(
                        "PostgreSQL with PostGIS is not installed. Debian, Ubuntu: "
                        "apt-get install --no-install-recommends postgresql-postgis"
                    )
                )
            if version is not None and version not in available:
                text = _(
                    "{folder} was made by PostgreSQL {version}, and only {installed} is installed. Install "
                    "postgresql-{version}-postgis-3, or restore a backup into a new TOGUNA_HOME (./toguna restore)."
                )
                installed = ", ".join(map(str, available))
                raise ClusterError(text.format(folder=self.data, version=version, installed=installed))
            if version is None:
                version = max(available)
                say(_("PostgreSQL {version}: new database").format(version=version))
                self._place()
                self._initdb(available[version])
            self._check_ours()
            self._prepare_folders()
            if not self._postmaster():
                self._start_server(available[version], say)
            self._wait()
            self._make_database()
        return self.status()

    def stop(self) -> None:
        """Stops it: clients are cut, data is whole. Nothing to do is no error. Raises ClusterError when it will not."""
        with self._lock():
            for number, seconds in ((signal.SIGINT, 60), (signal.SIGQUIT, 10)):  # "fast", then "immediate"
                pid = self._postmaster()
                if pid is None:
                    return
                os.kill(pid, number)
                deadline = time.monotonic() + seconds
                while self._postmaster() is not None and time.monotonic() < deadline:
                    time.sleep(0.02)
            if self._postmaster() is not None:
                raise ClusterError(_("PostgreSQL does not stop: look at {log}").format(log=self.log))

    # How

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "pg.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _place(self) -> None:
        """Decides where the data goes, once."""
        if self.user is None or self._reachable(self.home):
            return
        data = Path("/var/lib/toguna") / self._hash
        data.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        temporary = self.home / "pg.path.tmp"
        temporary.write_text(f"{data}\n")
        temporary.replace(self.home / "pg.path")

    def _reachable(self, folder: Path) -> bool:
        """Whether the server's user can walk into a folder."""
        return subprocess.run(["test", "-x", str(folder)], check=False, **self._as()).returncode == 0

    def _as(self) -> dict[str, Any]:
        """Keywords for subprocess: the unprivileged user when we are root, in a folder that it can stand in."""
        if self.user is None:
            return {}
        return {
            "user": self.user.pw_uid,
            "group": self.user.pw_gid,
            "extra_groups": [],
            "cwd": "/",
            "env": {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": "/", "LC_ALL": "C.UTF-8"},
        }

    def _owner(self) -> tuple[int, int]:
        return (self.user.pw_uid, self.user.pw_gid) if self.user else (os.geteuid(), os.getegid())

    def _prepare_folders(self) -> None:
        """The socket's folder: ours alone. In /tmp somebody else may have put a link there first: refused."""
        folder = self.socket
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700, parents=True)
            os.chown(folder, *self._owner())
        seen = folder.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (os.geteuid(), self._owner()[0]):
            text = _("{folder} belongs to somebody else: remove it, or set TOGUNA_HOME to a shorter path.")
            raise ClusterError(text.format(folder=folder))
        os.chown(folder, *self._owner())
        folder.chmod(0o700)

    def _initdb(self, programs: Path) -> None:
        """In a folder beside, renamed at the end: a power cut in the middle leaves nothing that looks finished."""
        making = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(making, ignore_errors=True)
        with contextlib.suppress(OSError):
            self.data.rmdir()
        making.mkdir(mode=0o700, parents=True)
        os.chown(making, *self._owner())
        done = subprocess.run(
            [
                programs / "initdb",
                "-D",
                making,
                "-U",
                "postgres",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "-k",
            ],
            capture_output=True,
            text=True,
            check=False,
            **self._as(),
        )
        if done.returncode:
            shutil.rmtree(making, ignore_errors=True)
            raise ClusterError(
                _("PostgreSQL could not make its folder:") + f"\n{done.stderr.strip()[-800:]}{_disk(self.data.parent)}"
            )
        with (making / "postgresql.conf").open("a") as file:
            file.write(f"\n{_INCLUDE}\n")
        making.rename(self.data)

    def _start_server(self, programs: Path, say: Any) -> None:
        self._clear_after_crash()
        settings = self.data / "toguna.conf"
        try:
            settings.write_text(SETTINGS + f"unix_socket_directories = '{self.socket}'\n")
            os.chown(settings, *self._owner())
            self.log.touch()
            os.chown(self.log, *self._owner())
        except OSError as error:
            raise ClusterError(f"{error}{_disk(self.data.parent)}") from error
        say(_("PostgreSQL starts"))
        with self.log.open("ab") as log:
            subprocess.Popen(
                [programs / "postgres", "-D", self.data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._as(),
            )

    def _clear_after_crash(self) -> None:
        """No postmaster of ours lives (checked under our lock); what a killed one left is put in order.

        The pid file stays: PostgreSQL reads in it which shared memory to look at, which guards against two servers on
        one folder. Only its pid, which may by now be somebody else's, is replaced by one that nobody can have.
        """
        began = time.monotonic()
        while orphans := self._orphans():  # backends of a killed postmaster end by themselves, unless deep in a query
            waited = time.monotonic() - began
            if waited > 20:
                text = _("Processes of a PostgreSQL that was killed do not end: {pids}. Restart this machine.")
                raise ClusterError(text.format(pids=", ".join(map(str, orphans))))
            for pid in orphans if waited > 5 else ():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL if waited > 10 else signal.SIGQUIT)
            time.sleep(0.05)
        path = self.data / "postmaster.pid"
        with contextlib.suppress(FileNotFoundError):
            lines = path.read_text().splitlines(keepends=True)
            if len(lines) < 7:  # cut short by a full disk: PostgreSQL would refuse it for ever
                path.unlink()
            else:
                path.write_text("".join(["99999999\n", *lines[1:]]))

    def _orphans(self) -> list[int]:
        return [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if self._is_server(int(entry.name))]

    def _wait(self, seconds: float = 120) -> None:
        """Until it takes connections; recovery after a power cut may take a while."""
        deadline = time.monotonic() + seconds
        seen_alive = False
        while time.monotonic() < deadline:
            try:
                psycopg.connect(self.dsn("postgres", "postgres")).close()
                return
            except psycopg.OperationalError:
                alive = self._postmaster() is not None
                if seen_alive and not alive:
                    break
                seen_alive |= alive
                if not seen_alive and time.monotonic() > deadline - seconds + 10:
                    break
                time.sleep(0.05)
        tail = "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-8:])
        raise ClusterError(_("PostgreSQL does not start:") + f"\n{tail}{_disk(self.data.parent)}")

    def _make_database(self) -> None:
        """Role, extensions (in template1, so that a test or a restored database has them without a superuser), database."""
        if self._answers():
            return
        for database in ("template1", "postgres"):
            with psycopg.connect(self.dsn("postgres", database), autocommit=True) as connection:
                if database == "template1":
                    for name in EXTENSIONS:
                        # One that was killed here may still be making it in its server process: then it is made.
                        with contextlib.suppress(psycopg.errors.UniqueViolation):
                            connection.execute(
                                sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
                            )
                    continue
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [NAME]).fetchone():
                    connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(NAME)))
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [NAME]).fetchone():
                    connection.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(sql.Identifier(NAME)))


def _server_user() -> pwd.struct_passwd | None:
    """Who runs the server when we are root (PostgreSQL refuses root): None when we are not."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "toguna", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ClusterError(_("There is no unprivileged system user to run PostgreSQL: adduser --system toguna"))


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _disk(folder: Path) -> str:
    free = shutil.disk_usage(folder).free // 2**20
    if free >= 300:
        return ""
    return "\n" + _("The disk is full ({free} MB left): make room, then start again.").format(free=free)
