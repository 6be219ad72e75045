"""`serve`, `stop`, `status`, `url`: one parent process that keeps the web server and the worker alive."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from gettext import gettext as _
from pathlib import Path
from typing import TextIO

from toguna.kernel import cluster, places

DEFAULT_PORT = 8000
# Of all web workers together: a thread waits for a photo while it comes, minutes on 2G; each may keep a connection to the
# database, which takes 60 in all. Those that have nothing to do end after half a minute.
THREADS = 32


class Busy(Exception):
    """The port is taken, or the town is served already."""


@dataclass(frozen=True)
class Running:
    """The supervisor that runs: its process, and where it answers."""

    pid: int
    host: str
    port: int

    @property
    def url(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}/" if ":" in host else f"http://{host}:{self.port}/"


def _file() -> Path:
    return places.home() / "serve.json"


def running() -> Running | None:
    """The supervisor of this home folder, or None. It locks its file while it lives: one left by a power cut is not believed."""
    try:
        with _file().open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Running(**json.loads(_file().read_text() or '{"pid": 0, "host": "127.0.0.1", "port": 0}'))
    except OSError:
        pass
    return None


def _take(told: Running) -> TextIO:
    """Marks this home folder as served by this process; to be kept open. Raises Busy when it is served already."""
    file = _file().open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.close()
        raise Busy(_("the town is served already (./toguna stop ends it)")) from error
    file.truncate(0)
    file.write(json.dumps({"pid": told.pid, "host": told.host, "port": told.port}))
    file.flush()
    return file


def url() -> str:
    found = running()
    return found.url if found else f"http://127.0.0.1:{DEFAULT_PORT}/"


@dataclass
class Child:
    """A process that is started again when it dies: after 1 s, then 2, 4 ... up to 30. log: where it says what it says, else here."""

    name: str
    command: list[str]
    log: Path | None = None
    process: subprocess.Popen[bytes] | None = None
    failures: int = 0
    again_at: float = 0
    started: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        self.started = time.monotonic()
        with self.log.open("ab") if self.log else nullcontext() as out:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then ends its children in order
                preexec_fn=_end_with_parent,  # safe: there is one thread
            )

    def look(self, say: Callable[[str], None]) -> None:
        if self.process is not None and self.process.poll() is not None:
            code, self.process = self.process.returncode, None
            self._rest(code, say)
        if self.process is None and time.monotonic() >= self.again_at:
            try:
                self.start()
            except OSError as error:  # no memory or no process left: there may be in a while
                self._rest(error, say)

    def _rest(self, why: object, say: Callable[[str], None]) -> None:
        now = time.monotonic()
        if now - self.started > 60:
            self.failures = 0
        self.failures += 1
        self.again_at = now + min(30, 2 ** (self.failures - 1))
        text = _("{name} ended ({code}): started again in {seconds} s")
        say(text.format(name=self.name, code=why, seconds=round(self.again_at - now)))

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, seconds: float) -> None:
        if self.process is not None:
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.process.kill()


_libc = ctypes.CDLL(None)


def _end_with_parent() -> None:
    """In the child: SIGTERM comes when the supervisor dies, even by `kill -9`, so that nothing is left on the port."""
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGTERM)


def free(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def serve(
    host: str,
    port: int,
    say: Callable[[str], None],
    ready: Callable[[str], None],
    beside: Sequence[tuple[str, list[str]]] = (),
    log: Path | None = None,
) -> int:
    """Serves until told to stop. `ready(url)` is called once when pages are answered; beside: other programs to keep alive,
    (name, command); log: a file for what all of them say, else they say it here. Raises Busy."""
    if found := running():
        raise Busy(_("the town is served already at {url} (./toguna stop ends it)").format(url=found.url))
    if not free(host, port):
        raise Busy(_("port {port} is taken by another program: choose another with --port").format(port=port))
    told = Running(os.getpid(), host, port)
    mark = _take(told)
    stopping = False

    def stop_soon(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, stop_soon)
    workers = max(1, min(4, (os.cpu_count() or 2) // 2 + 1))
    children = [
        Child(
            _("web server"),
            [
                sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port),
                "--workers", str(workers), "--blocking-threads", str(THREADS // workers), "--backlog", "1024",
                "--respawn-failed-workers", "--no-access-log", "--log-level", "error",  # it warns of our threads, which wait for 2G
                "toguna.site.wsgi:application",
            ],
        ),
        Child(_("worker"), [sys.executable, "-m", "django", "worker"]),
        Child(_("sender"), [sys.executable, "-m", "django", "sender"]),
        *(Child(name, command) for name, command in beside),
    ]  # fmt: skip
    # Where programs on this machine reach us, whatever the town's public name.
    os.environ["TOGUNA_LOCAL_URL"] = told.url.rstrip("/")
    # Links in messages begin with this, unless the town has said under what name it is known.
    os.environ.setdefault("TOGUNA_URL", Running(os.getpid(), host, port).url.rstrip("/"))
    for child in children:
        child.log = log
        child.start()
    said, database_at = False, 0.0
    try:
        while not stopping:
            for child in children:
                child.look(say)
            if not cluster.external() and time.monotonic() >= database_at and not _database(say):
                database_at = time.monotonic() + 5
            if not said and answers(told.url):
                said = True
                ready(told.url)
            time.sleep(0.1 if not said else 1)
    finally:
        for child in children:
            child.end()
        for child in children:
            child.wait(20)
        _file().unlink(missing_ok=True)
        mark.close()
    return 0


def _database(say: Callable[[str], None]) -> bool:
    """Starts the town's database again if it ended; never makes a new one: a disk that went away is no empty town."""
    here = cluster.Cluster()
    try:
        state = here.status()
        if state.status == "absent":
            say(_("{folder} is empty or gone: is its disk there?").format(folder=state.data))
        elif state.status == "stopped":
            say(_("the database ended: starting it again"))
            here.ensure(say)
        return state.status != "absent"
    except (cluster.ClusterError, OSError) as error:  # a full disk, most often: tried again until there is room
        say(str(error))
        return False


_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # our own address needs no proxy


def answers(address: str) -> bool:
    try:
        with _direct.open(f"{address}healthz", timeout=5) as response:
            return bool(response.status == 200)
    except OSError:
        return False


def stop(say: Callable[[str], None]) -> int:
    """Web server and worker first, so that they finish what they do; then the database."""
    if found := running():
        os.kill(found.pid, signal.SIGTERM)
        for _wait in range(450):
            if running() is None:
                break
            time.sleep(0.1)
        else:
            say(_("the server does not stop: it is killed"))
            os.kill(found.pid, signal.SIGKILL)
    if not cluster.external():
        cluster.Cluster().stop()
    say(_("Stopped."))
    return 0
