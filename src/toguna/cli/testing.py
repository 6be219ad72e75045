"""`test`: style, types, import rules, migrations, then every test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import psycopg

from toguna.kernel import cluster, places, town

# What the tests use besides what the town runs on: program -> Debian package.
NEEDS = {
    "chromium": "chromium",
    "mosquitto": "mosquitto",
    "ogrinfo": "gdal-bin",
    "osm2pgsql": "osm2pgsql",
    "shellcheck": "shellcheck",
    "xgettext": "gettext",
}
# What some tests use for real; without it those are skipped, and say so.
WANTS = {
    "bearerbox": "kannel kannel-extras",
    "gs": "ghostscript",
    "pdfsig": "poppler-utils",
    "tesseract": "tesseract-ocr tesseract-ocr-fra tesseract-ocr-por tesseract-ocr-eng tesseract-ocr-osd",
    "unpaper": "unpaper",
}
# One more than there are cores: browsers, servers and databases are waited for.
BESIDE = str(min(os.cpu_count() or 2, 8) + 1)
INSTALL = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]


def run(rest: list[str]) -> int:
    """Runs all the checks, then pytest with `rest`. With arguments, only pytest. Returns the first failure's code."""
    _needs()
    os.environ["TOGUNA_HOME"] = os.environ.get("TOGUNA_TEST_HOME", str(places.checkout() / "var" / "test"))
    os.environ["LANGUAGE"] = "en"
    # Else each process that a test begins compiles all of Toguna for itself: a third of what its start costs.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    from toguna.cli import prepare

    def say(text: str) -> None:
        print(text, flush=True)

    if town.load() is None:  # before settings are read; tests of phones and languages are of this town
        town.write(town.Town("Soundiakoura", "ML", town.LANGUAGES, "XOF", "Africa/Bamako"))
    prepare.database(say)
    _hasty()
    prepare.browser_libraries(say)
    prepare.routing(say)
    prepare.django(say)
    root, python = places.checkout(), [sys.executable, "-m"]
    checks = {
        "style": [*python, "ruff", "check"],
        "format": [*python, "ruff", "format", "--check", "--quiet"],
        "types": [*python, "mypy"],
        "import rules": [str(root / ".venv/bin/lint-imports"), "--no-cache"],
        "shell": ["shellcheck", "toguna"],
        "declarations": [*python, "django", "check", "--fail-level", "WARNING"],
        "migrations": [*python, "django", "makemigrations", "--check", "--dry-run"],
    }
    failed = []
    if not rest:
        for name, command in checks.items():
            began = time.monotonic()
            done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            print(
                f"{'ok' if done.returncode == 0 else 'FAIL':<5} {name} ({time.monotonic() - began:.0f} s)", flush=True
            )
            if done.returncode:
                failed.append(name)
                print((done.stdout + done.stderr).strip()[-6000:], flush=True)
    tests = subprocess.call(
        [
            *python,
            "pytest",
            *(rest or ["-n", BESIDE, "--dist", "loadfile", "--no-loadscope-reorder", "--durations=40"]),
        ],
        cwd=root,
    )
    if failed:
        print(f"Failed before the tests: {', '.join(failed)}", file=sys.stderr)
    return tests or (1 if failed else 0)


def _hasty() -> None:
    """The database of the tests may forget all of itself when the power fails; tests that cut the power have their own."""
    if cluster.external():
        return
    data = cluster.Cluster().data
    settings = data / "postgresql.conf"
    if "fsync = off" not in settings.read_text("utf-8"):
        with settings.open("a", encoding="utf-8") as file:
            file.write("\nfsync = off\nfull_page_writes = off\nsynchronous_commit = off\n")
        os.kill(int((data / "postmaster.pid").read_text("utf-8").split()[0]), signal.SIGHUP)
    with psycopg.connect(cluster.Cluster().dsn("postgres", "postgres"), autocommit=True) as connection:
        if connection.info.server_version >= 150000:  # what a test wrote is deleted without asking the triggers
            connection.execute(f"GRANT SET ON PARAMETER session_replication_role TO {cluster.NAME}")


def _needs() -> None:
    """Installs what is missing as root; otherwise says the command."""
    if needed := _missing(NEEDS):
        if os.geteuid() != 0:
            raise SystemExit(f"toguna: the tests need {', '.join(needed)}:\n    sudo {' '.join(INSTALL + needed)}")
        if not _install(needed):
            raise SystemExit(f"toguna: these could not be installed: {' '.join(needed)}")
    if (wanted := _missing(WANTS)) and (os.geteuid() != 0 or not _install(wanted)):
        print(f"Their tests are skipped: {', '.join(wanted)}\n    sudo {' '.join(INSTALL + wanted)}", flush=True)


def _missing(programs: dict[str, str]) -> list[str]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return sorted(
        {one for program, them in programs.items() if shutil.which(program, path=path) is None for one in them.split()}
    )


def _install(packages: list[str]) -> bool:
    print(f"Installing what the tests need: {', '.join(packages)}", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], INSTALL + packages):
        done = subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
    return done.returncode == 0
