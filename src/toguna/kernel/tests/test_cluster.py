"""The private cluster, on real PostgreSQL servers in folders of their own: what power cuts and strangers do to it."""

from __future__ import annotations

import os
import pwd
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from toguna.kernel import cluster as clusters
from toguna.kernel import places
from toguna.kernel.cluster import Cluster, ClusterError

pytestmark = pytest.mark.skipif(not clusters.servers(), reason="PostgreSQL with PostGIS is not installed")


@pytest.fixture(scope="module")
def made() -> Iterator[Cluster]:
    """One cluster for the tests that leave it whole."""
    folder = Path(tempfile.mkdtemp(prefix="toguna-cluster-"))
    folder.chmod(0o755)
    cluster = Cluster(folder)
    cluster.start()
    yield cluster
    _remove(cluster)


@pytest.fixture
def home() -> Iterator[Path]:
    """A home folder that the server's user can reach; whatever runs in it is stopped."""
    folder = Path(tempfile.mkdtemp(prefix="toguna-cluster-"))
    folder.chmod(0o755)
    yield folder
    _remove(Cluster(folder))


def _remove(cluster: Cluster) -> None:
    for pid in [cluster._postmaster(), *cluster._orphans()]:
        if pid:
            with suppress(ProcessLookupError):  # it ended by itself since it was listed
                os.kill(pid, signal.SIGKILL)
    data, socket = cluster.data, cluster.socket
    for folder in (data, socket, cluster.home):
        shutil.rmtree(folder, ignore_errors=True)
    cluster.log.unlink(missing_ok=True)


def _ask(cluster: Cluster, statement: str) -> object:
    with psycopg.connect(cluster.dsn()) as connection:
        row = connection.execute(statement).fetchone()
    return row and row[0]


def _kill(cluster: Cluster) -> None:
    pid = cluster._postmaster()
    assert pid
    os.kill(pid, signal.SIGKILL)
    while cluster._postmaster():
        time.sleep(0.01)


def test_new_database_is_complete_and_private(made: Cluster) -> None:
    state = made.ensure()
    assert (state.status, state.version) == ("running", max(clusters.servers()))
    with psycopg.connect(made.dsn()) as connection:
        found = {name for (name,) in connection.execute("SELECT extname FROM pg_extension")}
        settings = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
        superuser = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert set(clusters.EXTENSIONS) <= found
    assert settings["listen_addresses"] == ""
    assert (settings["data_checksums"], settings["fsync"], settings["server_encoding"]) == ("on", "on", "UTF8")
    assert superuser == (False,)
    assert made.socket.stat().st_mode & 0o777 == 0o700
    assert made.data.stat().st_mode & 0o777 == 0o700
    assert Path(f"/proc/{state.pid}").stat().st_uid != 0, "PostgreSQL refuses to run as root, and so do we"


def test_ensure_is_quick_when_it_runs(made: Cluster) -> None:
    made.ensure()
    times = []
    for _ in range(7):
        began = time.perf_counter()
        made.ensure()
        times.append(time.perf_counter() - began)
    assert sorted(times)[3] < 0.1


def test_stop_and_start_keep_data(made: Cluster) -> None:
    made.ensure()
    with psycopg.connect(made.dsn()) as connection:
        connection.execute("DROP TABLE IF EXISTS kept")
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    made.stop()
    assert made.status().status == "stopped"
    made.stop()  # nothing to do is no error
    made.ensure()
    assert _ask(made, "SELECT n FROM kept") == 42


def test_killed_at_random_moments_it_comes_back_with_all_that_was_committed(made: Cluster) -> None:
    chance = random.Random(7)
    made.ensure()
    with psycopg.connect(made.dsn()) as connection:
        connection.execute("DROP TABLE IF EXISTS written")
        connection.execute("CREATE TABLE written (n int)")
    committed = 0
    for _ in range(3):
        end = threading.Event()

        def write(end: threading.Event = end) -> None:
            nonlocal committed
            try:
                with psycopg.connect(made.dsn(), autocommit=True) as connection:
                    while not end.is_set():
                        connection.execute("INSERT INTO written VALUES (1)")
                        committed += 1
            except psycopg.OperationalError:
                pass

        writer = threading.Thread(target=write)
        writer.start()
        time.sleep(chance.uniform(0.05, 0.4))
        _kill(made)
        end.set()
        writer.join(120)
        made.ensure()
        kept = _ask(made, "SELECT count(*) FROM written")
        assert isinstance(kept, int) and committed <= kept <= committed + 1  # one may be in without its answer
        committed = kept


def test_pid_file_that_names_another_living_process(made: Cluster) -> None:
    made.ensure()
    _kill(made)
    path = made.data / "postmaster.pid"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    assert made.status().status == "stopped"
    made.ensure()
    assert _ask(made, "SELECT 1") == 1


def test_pid_file_cut_short(made: Cluster) -> None:
    made.ensure()
    _kill(made)
    (made.data / "postmaster.pid").write_text("")
    made.ensure()
    assert _ask(made, "SELECT 1") == 1


def test_a_shell_that_stands_in_the_data_folder_is_left_alone(made: Cluster) -> None:
    made.ensure()
    shell = subprocess.Popen(["sleep", "60"], cwd=made.data)
    try:
        _kill(made)
        made.ensure()
        assert shell.poll() is None
    finally:
        shell.kill()
        shell.wait()


def test_killed_while_it_is_being_made(home: Path) -> None:
    command = [sys.executable, "-c", "from toguna.kernel.cluster import Cluster; Cluster().start()"]
    source = str(places.checkout() / "src")
    for delay in (0.25, 0.8, 1.6):
        made = subprocess.Popen(
            command, env={**os.environ, "TOGUNA_HOME": str(home), "PYTHONPATH": source}, start_new_session=True
        )
        time.sleep(delay)
        os.killpg(made.pid, signal.SIGKILL)
        made.wait()
    cluster = Cluster(home)
    cluster.ensure()
    assert _ask(cluster, "SELECT count(*) FROM pg_extension WHERE extname = 'postgis'") == 1


def test_two_starts_at_once_and_two_homes_side_by_side(home: Path, made: Cluster) -> None:
    made.ensure()
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Cluster(home).start()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert len({made.status().pid, Cluster(home).status().pid, None}) == 3
    with psycopg.connect(Cluster(home).dsn()) as connection:
        connection.execute("CREATE TABLE only_here ()")
    assert _ask(made, "SELECT to_regclass('only_here')") is None


def test_long_path_gets_a_short_private_socket(home: Path) -> None:
    deep = home / ("quartier-" * 12) / ("é" * 40)
    deep.mkdir(parents=True)
    cluster = Cluster(deep)
    try:
        cluster.ensure()
        assert len(os.fsencode(cluster.socket)) < 80
        assert cluster.socket.stat().st_mode & 0o777 == 0o700
        assert _ask(cluster, "SELECT 1") == 1
    finally:
        _remove(cluster)


def test_socket_folder_that_is_a_link_is_refused(home: Path) -> None:
    cluster = Cluster(home)
    cluster.socket.symlink_to("/tmp")
    with pytest.raises(ClusterError, match="somebody else"):
        cluster.start()
    cluster.socket.unlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder that the server's user cannot enter")
def test_home_that_the_server_user_cannot_reach() -> None:
    closed = Path(tempfile.mkdtemp(prefix="toguna-closed-"))  # mode 0700, as /root is
    cluster = Cluster(closed)
    try:
        cluster.ensure()
        assert not cluster.data.is_relative_to(closed)
        assert pwd.getpwuid(cluster.data.stat().st_uid).pw_name != "root"
        assert _ask(Cluster(closed), "SELECT 1") == 1
    finally:
        _remove(cluster)


def test_folder_of_something_else_is_refused(home: Path) -> None:
    (home / "pg").mkdir()
    (home / "pg" / "letter.txt").write_text("not yours")
    with pytest.raises(ClusterError, match="not a PostgreSQL data folder of Toguna"):
        Cluster(home).ensure()
    assert (home / "pg" / "letter.txt").read_text() == "not yours"


def test_data_folder_of_another_postgresql_is_refused(home: Path) -> None:
    (home / "pg").mkdir()
    (home / "pg" / "PG_VERSION").write_text(f"{max(clusters.servers())}\n")
    (home / "pg" / "postgresql.conf").write_text("listen_addresses = '*'\n")
    with pytest.raises(ClusterError, match="not a PostgreSQL data folder of Toguna"):
        Cluster(home).ensure()


@pytest.mark.parametrize("version", ["9", "99"])
def test_older_or_newer_data_folder_is_refused_with_what_to_do(home: Path, version: str) -> None:
    (home / "pg").mkdir()
    (home / "pg" / "PG_VERSION").write_text(f"{version}\n")
    with pytest.raises(ClusterError, match=f"postgresql-{version}-postgis-3.*restore"):
        Cluster(home).ensure()


def test_database_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://ville:p%40ss@db.example:6432/mairie?sslmode=require")
    told = clusters.django_database()
    assert (told["NAME"], told["USER"], told["PASSWORD"]) == ("mairie", "ville", "p@ss")
    assert (told["HOST"], told["PORT"], told["OPTIONS"]) == ("db.example", "6432", {"sslmode": "require"})
    monkeypatch.setenv("DATABASE_URL", "mysql://x/y")
    with pytest.raises(ClusterError, match="postgres://"):
        clusters.django_database()
