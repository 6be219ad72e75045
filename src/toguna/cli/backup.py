"""Everything in one file, and back: database, photos, rasters, town.toml, secret.

A backup is a tar: `manifest.json` first, `database.dump` (pg_dump's custom format), then the files. It is written under a
temporary name, read back, and renamed. A restore fills a new database beside the old one and swaps the names at the end:
one that fails leaves what was there.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from toguna.kernel import cluster, places

FORMAT = 1
FILES = ("town.toml", "secret", "media", "rasters")


class BackupError(Exception):
    """The backup or restore was not done; str() says why. What was there before is still there."""


def save(target: Path | None, say: Callable[[str], None]) -> Path:
    """Writes and verifies a backup; returns its path. Other programs may go on working meanwhile."""
    home = places.home()
    moment = datetime.now(UTC)
    target = (target or home / "backups" / f"{moment:%Y%m%d-%H%M%S}.toguna").absolute()
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_name(target.name + ".part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=".toguna-") as folder:
            dump = Path(folder) / "database.dump"
            say("Database")
            _run([_program("pg_dump"), "-Fc", "--no-owner", "-f", str(dump), _dsn()])
            manifest = {"format": FORMAT, "made": moment.isoformat(), "database": _digest(dump)}
            described = Path(folder) / "manifest.json"
            described.write_text(json.dumps(manifest))
            say("Files")
            with tarfile.open(making, "w") as tar:
                tar.add(described, "manifest.json")
                tar.add(dump, "database.dump")
                for name in FILES:
                    if (home / name).exists():
                        tar.add(home / name, f"files/{name}")
            making.chmod(0o600)
            say("Reading it back")
            _verify(making)
        with making.open("rb") as file:
            os.fsync(file.fileno())
        making.replace(target)
    except (OSError, tarfile.TarError) as error:
        raise BackupError(f"the backup could not be written: {error}") from error
    finally:
        making.unlink(missing_ok=True)
    return target


def restore(source: Path, *, force: bool, say: Callable[[str], None]) -> None:
    """Puts a backup back into this home. Raises BackupError, and changes nothing, when the file is not whole."""
    if not source.is_file():
        raise BackupError(f"there is no file {source}")
    home = places.home()
    from toguna.cli import supervise

    if supervise.running():
        raise BackupError("the town is being served: ./toguna stop first")
    if (home / "town.toml").exists() and not force:
        raise BackupError(
            f"there is a town in {home} already: --force replaces it (its database is kept until the end)"
        )
    say("Reading the backup")
    _verify(source)
    if not cluster.external():
        cluster.Cluster().ensure(say)
    home.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home, prefix=".restore-") as folder:
        with tarfile.open(source) as tar:
            tar.extractall(folder, filter="data")
        say("Database")
        with _admin() as connection:
            connection.execute("DROP DATABASE IF EXISTS toguna_restored WITH (FORCE)")
            connection.execute("CREATE DATABASE toguna_restored")
        listing = _run([_program("pg_restore"), "-l", f"{folder}/database.dump"])
        # Extensions came with template1; a plain user may neither create nor comment on them.
        wanted = Path(folder) / "list"
        wanted.write_text("\n".join(line for line in listing.splitlines() if " EXTENSION " not in line))
        _run([
            _program("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction", "-L", str(wanted),
            "-d", _dsn("toguna_restored"), f"{folder}/database.dump",
        ])  # fmt: skip
        say("Putting it in place")
        name = _database()["NAME"]
        with _admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(f"{name}_before"))
            )
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(name), sql.Identifier(f"{name}_before")))
            connection.execute(rename.format(sql.Identifier("toguna_restored"), sql.Identifier(name)))
        for entry in FILES:
            came, here = Path(folder) / "files" / entry, home / entry
            if came.exists():
                aside = home / f"{entry}.before"
                shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink(missing_ok=True)
                if here.exists():
                    here.rename(aside)
                came.rename(here)
        with _admin() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(f"{name}_before"))
            )
        for entry in FILES:
            aside = home / f"{entry}.before"
            shutil.rmtree(aside, ignore_errors=True) if aside.is_dir() else aside.unlink(missing_ok=True)
    say("Restored. ./toguna serve")


def _verify(path: Path) -> None:
    """Reads the whole of it. Raises BackupError when it is cut short, changed or of a newer Toguna."""
    try:
        with tarfile.open(path) as tar:
            manifest = json.loads(_read(tar, "manifest.json"))
            if manifest["format"] > FORMAT:
                raise BackupError(f"{path} was made by a newer Toguna: update this one first")
            for member in tar:
                content = tar.extractfile(member)
                if content is None:
                    continue
                seen = hashlib.sha256()
                while block := content.read(1 << 20):
                    seen.update(block)
                if member.name == "database.dump" and seen.hexdigest() != manifest["database"]:
                    raise BackupError(f"{path}: the database in it is damaged")
    except (OSError, tarfile.TarError, ValueError, KeyError) as error:
        raise BackupError(f"{path} is not a whole backup of Toguna: {error}") from error


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    content = tar.extractfile(name)
    return content.read() if content else b""


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _database() -> dict[str, Any]:
    return cluster.django_database()


def _dsn(name: str | None = None) -> str:
    d = _database()
    return psycopg.conninfo.make_conninfo(
        host=d["HOST"], port=d["PORT"] or None, user=d["USER"], password=d.get("PASSWORD") or None,
        dbname=name or d["NAME"], **d.get("OPTIONS", {}),
    )  # fmt: skip


def _admin() -> psycopg.Connection[Any]:
    """A connection that may rename databases: our own cluster's superuser, or the town's user on a managed server."""
    if cluster.external():
        return psycopg.connect(_dsn("postgres"), autocommit=True)
    connection = psycopg.connect(cluster.Cluster().dsn("postgres", "postgres"), autocommit=True)
    connection.execute("SET ROLE toguna")
    return connection


def _program(name: str) -> str:
    if not cluster.external():
        return str(cluster.servers()[cluster.Cluster().status().version or 0] / name)
    found = shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is not installed: apt-get install postgresql-client")
    return found


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"{Path(command[0]).name}: {done.stderr.strip()[-600:]}")
    return done.stdout
