"""Everything in one file, and back: database, photos, rasters, town.toml, secret.

A backup is a tar: `manifest.json` first, `database.dump` (pg_dump's custom format, compressed), then the files. It is
written under a temporary name, read back, and renamed. A restore fills a new database beside the old one and swaps the
names at the end: one that fails leaves what was there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path, PurePosixPath
from typing import Any

import psycopg
from psycopg import sql

from toguna.cli import supervise
from toguna.kernel import cluster, places

FORMAT = 1
# What cannot be made again: without its keys the town signs as somebody else, and browsers hear no more from it.
FILES = ("town.toml", "secret", "push.pem", "seal", "media", "rasters", "readings")
SECRET = ("files/secret", "files/push.pem", "files/seal/")
RESTORED = "toguna_restored"


class BackupError(Exception):
    """The backup or restore was not done; str() says why. What was there before is still there."""


def save(target: Path | None, say: Callable[[str], None]) -> Path:
    """Writes and verifies a backup; returns its path. Other programs may go on working meanwhile."""
    home = places.home()
    moment = datetime.now(UTC)
    target = (target or home / "backups" / f"{moment:%Y%m%d-%H%M%S}.toguna").absolute()
    making = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".toguna-") as folder:
            dump = Path(folder) / "database.dump"
            say(_("Database"))
            _run(["pg_dump", "-Fc", "--no-owner", "--no-privileges", "-f", str(dump)])
            manifest = {"format": FORMAT, "made": moment.isoformat(), "database": _digest(dump)}
            described = Path(folder) / "manifest.json"
            described.write_text(json.dumps(manifest))
            say(_("Files"))
            with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                with tarfile.open(fileobj=file, mode="w") as tar:
                    tar.add(described, "manifest.json")
                    tar.add(dump, "database.dump")
                    for name in FILES:
                        if (home / name).exists():
                            tar.add(home / name, f"files/{name}")
                file.flush()
                os.fsync(file.fileno())
            say(_("Reading it back"))
            _verify(making)
        making.replace(target)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(_("the backup could not be written: {error}").format(error=error)) from error
    finally:
        making.unlink(missing_ok=True)
    return target


def restore(source: Path, *, force: bool, say: Callable[[str], None]) -> None:
    """Puts a backup back into this home. Raises BackupError, and changes nothing, when the file is not whole."""
    home = places.home()
    if not source.is_file():
        raise BackupError(_("there is no file {path}").format(path=source))
    if supervise.running():
        raise BackupError(_("the town is being served: ./toguna stop first"))
    if (home / "town.toml").exists() and not force:
        raise BackupError(_("there is a town in {home} already: --force replaces it").format(home=home))
    say(_("Reading the backup"))
    _verify(source)
    home.mkdir(parents=True, exist_ok=True)
    if not cluster.external():
        cluster.Cluster().ensure(say)
    try:
        with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as name:
            folder = Path(name)
            _unpack(source, folder)
            say(_("Database"))
            _fill(folder)
            say(_("Putting it in place"))
            with _files_swapped(folder / "files", home, folder / "before"):
                _swap_databases()
        with _admin() as connection:
            connection.execute(_drop(_before()))
    except (OSError, psycopg.Error, tarfile.TarError) as error:
        raise BackupError(
            _("nothing was restored, the old data is still there: {error}").format(error=error)
        ) from error
    say(_("Restored. ./toguna serve"))


def _fill(folder: Path) -> None:
    """A new database beside the town's own, from `folder/database.dump`."""
    with _admin() as connection:
        connection.execute(_drop(RESTORED))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(RESTORED)))
    # A plain user may neither comment on extensions nor fill their tables: they come whole with the database (template1).
    theirs = (" COMMENT - EXTENSION ", " spatial_ref_sys ")
    wanted = folder / "list"
    listing = _run(["pg_restore", "-l", str(folder / "database.dump")], database=None)
    wanted.write_text("\n".join(line for line in listing.splitlines() if not any(t in line for t in theirs)))
    _run(
        [
            "pg_restore", "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction",
            "-L", str(wanted), "-d", RESTORED, str(folder / "database.dump"),
        ],
        database=RESTORED,
    )  # fmt: skip


def _swap_databases() -> None:
    """Both renames or none: the town's own becomes `..._before`, the restored one the town's own."""
    name = cluster.django_database()["NAME"]
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    with _admin() as connection:
        connection.execute(_drop(_before()))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with connection.transaction():
            connection.execute(rename.format(sql.Identifier(name), sql.Identifier(_before())))
            connection.execute(rename.format(sql.Identifier(RESTORED), sql.Identifier(name)))


@contextlib.contextmanager
def _files_swapped(new: Path, home: Path, aside: Path) -> Iterator[None]:
    """Puts `new/*` in the place of the home's own, which go to `aside`; all the way back when the block fails."""
    aside.mkdir()
    undo: list[tuple[Path, Path]] = []
    try:
        for name in FILES:
            for source, target in ((home / name, aside / name), (new / name, home / name)):
                if source.exists():
                    source.rename(target)
                    undo.append((target, source))
        yield
    except BaseException:
        for source, target in reversed(undo):
            source.rename(target)
        raise


def _before() -> str:
    return f"{cluster.django_database()['NAME']}_before"


def _drop(name: str) -> sql.Composed:
    return sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))


def _verify(path: Path) -> None:
    """Reads the whole of it. Raises BackupError when it is cut short, changed, or of a newer Toguna."""
    try:
        with tarfile.open(path) as tar:
            first = tar.next()
            content = tar.extractfile(first) if first is not None and first.name == "manifest.json" else None
            if content is None:
                raise ValueError("manifest.json")
            manifest = json.loads(content.read())
            if manifest["format"] > FORMAT:
                raise BackupError(_("{path} was made by a newer Toguna: update this one first").format(path=path))
            seen = {member.name: _read(tar, member) for member in tar}
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, EOFError) as error:
        raise BackupError(
            _("{path} is not a whole backup of Toguna ({error})").format(path=path, error=error)
        ) from error
    if seen.get("database.dump") != manifest["database"]:
        raise BackupError(_("{path}: the database in it is damaged").format(path=path))


def _read(tar: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    content = tar.extractfile(member)
    digest = hashlib.sha256()
    while content is not None and (block := content.read(1 << 20)):
        digest.update(block)
    return digest.hexdigest()


def _unpack(source: Path, folder: Path) -> None:
    """Plain files and folders only, by names that a backup has: one made by a stranger cannot write anywhere else.

    By hand, because tarfile's `filter="data"` is not in Debian 12's Python (3.11.2).
    """
    with tarfile.open(source) as tar:
        for member in tar:
            parts = PurePosixPath(member.name).parts
            known = member.name == "database.dump" or (parts[:1] == ("files",) and parts[1:2] and parts[1] in FILES)
            content = tar.extractfile(member) if member.isreg() else None
            if not known or ".." in parts or not (content or member.isdir()):
                continue
            target = folder.joinpath(*parts)
            if content is None:
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
            target.chmod(0o600 if member.name.startswith(SECRET) else 0o644)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _admin() -> psycopg.Connection[Any]:
    """A connection that may rename databases: our own cluster's superuser, or the town's user on a managed server."""
    if cluster.external():
        told = cluster.django_database()
        return psycopg.connect(
            host=told["HOST"], port=told["PORT"] or None, user=told["USER"], password=told["PASSWORD"] or None,
            dbname="postgres", autocommit=True, **told["OPTIONS"],
        )  # fmt: skip
    connection = psycopg.connect(cluster.Cluster().dsn("postgres", "postgres"), autocommit=True)
    connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(cluster.NAME)))
    return connection


def _run(command: list[str], database: str | None = "") -> str:
    """Runs a PostgreSQL program. The connection goes by the environment: passwords do not show in the list of processes."""
    told = cluster.django_database()
    options = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
    given = {
        "PGHOST": told["HOST"], "PGPORT": told["PORT"], "PGUSER": told["USER"], "PGPASSWORD": told.get("PASSWORD", ""),
        "PGDATABASE": database or told["NAME"],
        **{options[key]: value for key, value in told.get("OPTIONS", {}).items() if key in options},
    }  # fmt: skip
    environment = {**os.environ, **{key: value for key, value in given.items() if value}}
    done = subprocess.run(
        [_program(command[0]), *command[1:]], capture_output=True, text=True, check=False, env=environment
    )
    if done.returncode:
        raise BackupError(f"{command[0]}: {done.stderr.strip()[-600:]}")
    return done.stdout


def _program(name: str) -> str:
    if not cluster.external():
        return str(cluster.servers()[cluster.Cluster().status().version or 0] / name)
    found = shutil.which(name)
    if found is None:
        raise BackupError(_("{name} is not installed: apt-get install postgresql-client").format(name=name))
    return found
