"""What happens when things break under a town that is really served: too heavy, no room, the database killed, the web killed.

All in one home on a small disk of its own, made for this test where the system allows it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import signal
import socket
import string
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import psycopg
import pytest
from PIL import Image

from toguna.kernel import places
from toguna.kernel.cluster import Cluster
from toguna.kernel.testing import until

SMALL_DISK = "900m"


def photo(seed: int = 0) -> bytes:
    made = io.BytesIO()
    Image.effect_noise((900, 900), 80 + seed).convert("RGB").save(made, "JPEG", quality=95)
    return made.getvalue()


@pytest.fixture(scope="module")
def served(town_made):
    """(home, port, supervisor) of a served town, on a disk of 900 MB, where the database's own user may go too."""
    home = Path(tempfile.mkdtemp(prefix="toguna-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(home)], capture_output=True, check=False
    )
    if mounted.returncode:
        home.rmdir()
        pytest.skip("this system does not let the test make a small disk (mount needs root)")
    home.chmod(0o755)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = None
    try:
        town_made(home)
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("TOGUNA_", "DATABASE_", "DJANGO_"))}
        environment |= {"TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src"), "LC_ALL": "C.UTF-8"}
        with (home / "serve.log").open("wb") as log:
            server = subprocess.Popen(
                [sys.executable, "-m", "toguna.cli", "serve", "--port", str(port)],
                env=environment,
                stdout=log,
                stderr=log,
            )
        until(lambda: answers(port), 90)
        yield home, port, server.pid
    finally:
        if server is not None:
            server.terminate()
            server.wait(40)
        Cluster(home).stop()
        subprocess.run(["umount", "-l", str(home)], check=False)
        home.rmdir()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).status == 200
    return False


def report(port: int, client_id: str, text: str = "Un trou") -> tuple[int, str]:
    """(status, body); (0, "") when the connection broke."""
    body = {"category": "pothole", "text": text, "lon": -16.5, "lat": 16.02, "client_id": client_id}
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/reports",
        json.dumps(body).encode(),
        {"Content-Type": "application/json", "Accept-Language": "fr"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


def answer_of(port: int, path: str) -> tuple[int, str, str]:
    """(status, Retry-After, body) of a page."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Accept-Language": "fr"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, "", response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Retry-After", ""), error.read().decode()


def send_photo(port: int, client_id: str, data: bytes) -> int:
    edge = uuid.uuid4().hex
    head = f'--{edge}\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = head.encode() + data + f"\r\n--{edge}--\r\n".encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/v1/reports/{client_id}/photos",
        body,
        {"Content-Type": f"multipart/form-data; boundary={edge}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def count(home: Path, what: str) -> int:
    with psycopg.connect(Cluster(home).dsn()) as connection:
        return connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]


def test_what_is_too_heavy_is_refused_before_it_is_sent(served):
    """A photo of 60 MB: the answer comes while it is still on the telephone."""
    _home, port, _supervisor = served
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(
            b"POST /reports/new/pothole HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: fr\r\n"
            b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 60000000\r\n\r\n--x\r\n"
        )
        answer = line.recv(65536)
        assert answer.startswith(b"HTTP/1.1 413")
        with contextlib.suppress(OSError):
            while b"</html>" not in answer and (more := line.recv(65536)):
                answer += more
    assert "photos plus petites" in answer.decode(errors="replace")


@pytest.mark.parametrize("length", [b"-5", b"1e9", b"99999999999999999999999999"])
def test_a_length_that_lies(served, length):
    _home, port, _supervisor = served
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        line.sendall(b"POST /reports/new/pothole HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nabc")
        assert line.recv(100).split(b" ")[1][:1] == b"4"
    assert answers(port)


@pytest.mark.parametrize("path", ["/reports/new/pothole", "/api/v1/reports", "/open311/v2/requests.json"])
def test_a_length_that_is_not_said(served, path):
    """Django would take a chunked body for an empty one: a report whose words are lost."""
    _home, port, _supervisor = served
    with socket.create_connection(("127.0.0.1", port), timeout=60) as line:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept-Language: fr\r\nTransfer-Encoding: chunked\r\n\r\n"
        line.sendall(head.encode() + b"3\r\nabc\r\n")
        answer = line.recv(65536)
        assert answer.startswith(b"HTTP/1.1 411")
        with contextlib.suppress(OSError):
            while more := line.recv(65536):
                answer += more
    assert "Content-Length" in answer.decode(errors="replace")


def test_many_slow_lines(served):
    """Twenty residents send photos on 2G, a few bytes a second: the others see their pages meanwhile."""
    _home, port, _supervisor = served
    head = (
        "POST /reports/new/pothole HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 400000\r\n"
        f"Cookie: csrftoken={'a' * 32}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    with contextlib.ExitStack() as lines:
        for _line in range(20):
            line = lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
            line.sendall(head.encode())
        time.sleep(0.5)
        for _page in range(3):
            assert answer_of(port, "/")[0] == 200


def test_too_many_words_for_the_api(served):
    """Under the weight of photos, over that of words."""
    _home, port, _supervisor = served
    status, body = report(port, str(uuid.uuid4()), "x" * 3_000_000)
    assert status == 413 and "trop" in json.loads(body)["detail"]


def nothing_to_do(home: Path) -> None:
    """Waits until the worker has done what reports ask for, with what that writes."""
    jobs = "procrastinate_jobs WHERE status IN ('todo', 'doing') AND scheduled_at IS NULL"
    until(lambda: not count(home, jobs), 90)


def kill_the_database(home: Path) -> None:
    """Returns when none of its processes is left: each goes when it hears of it, and answers until then."""
    postmaster = int((Cluster(home).data / "postmaster.pid").read_text().split()[0])
    backends = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    os.kill(postmaster, signal.SIGKILL)
    until(lambda: not any(lives(pid) for pid in backends))


def lives(pid: str) -> bool:
    """A process that is over has no words, if nobody has buried it yet."""
    try:
        return bool(Path("/proc", pid, "cmdline").read_bytes())
    except OSError:
        return False


def test_the_database_is_killed(served):
    """Pages say so while it is away; the supervisor brings it back; the same form sent until it is taken is one report."""
    home, port, supervisor = served
    client_id = str(uuid.uuid4())
    os.kill(supervisor, signal.SIGSTOP)  # so that it stays away while we look
    try:
        kill_the_database(home)
        for path in ("/", "/reports/new/pothole", "/api/v1/reports", "/open311/v2/requests.xml"):
            status, again, body = answer_of(port, path)
            assert (status, again) == (503, "30") and "minute" in body, path
        status, body = report(port, client_id)
        assert status == 503 and "une minute" in json.loads(body)["detail"]
    finally:
        os.kill(supervisor, signal.SIGCONT)
    statuses: list[int] = []
    until(lambda: statuses.append(report(port, client_id)[0]) or statuses[-1] == 201, pause=0.3)
    assert set(statuses) <= {201, 503}
    assert report(port, client_id)[0] == 200
    assert count(home, f"cases_case WHERE client_id = '{client_id}'") == 1
    assert count(home, f"cases_step s JOIN cases_case c ON c.id = s.case_id WHERE c.client_id = '{client_id}'") == 1
    nothing_to_do(home)  # the worker is back too


@contextlib.contextmanager
def caught(home: Path, port: int, client_id: str):
    """A report held in the middle of its transaction: yields (what was answered, the waiting backend's pid)."""
    answered: list[tuple[int, str]] = []
    sender = threading.Thread(target=lambda: answered.append(report(port, client_id)))
    with psycopg.connect(Cluster(home).dsn()) as holder, psycopg.connect(Cluster(home).dsn(), autocommit=True) as eye:
        holder.execute("LOCK TABLE kernel_event")  # the report is written by then, and not committed

        def waiting() -> list[int]:
            return [
                pid
                for (pid,) in eye.execute(
                    "SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO kernel_event%'"
                )
            ]

        sender.start()
        until(waiting)
        (backend,) = waiting()
        yield answered, backend
        holder.rollback()
    sender.join()


def test_the_connection_is_cut_in_the_middle_of_a_report(served):
    home, port, _supervisor = served
    client_id = str(uuid.uuid4())
    nothing_to_do(home)
    with caught(home, port, client_id) as (answered, backend):
        with psycopg.connect(Cluster(home).dsn(), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [backend])
        until(lambda: answered)
    assert answered[0][0] == 503
    assert count(home, f"cases_case WHERE client_id = '{client_id}'") == 0
    assert report(port, client_id)[0] == 201


def test_the_web_is_killed_in_the_middle_of_a_report(served):
    home, port, _supervisor = served
    client_id = str(uuid.uuid4())
    nothing_to_do(home)
    events = count(home, "kernel_event")
    with caught(home, port, client_id) as (answered, _backend):
        kill_web(port)
        until(lambda: answered)
    assert answered == [(0, "")]
    until(lambda: answers(port))
    assert count(home, f"cases_case WHERE client_id = '{client_id}'") == 0
    assert count(home, "kernel_event") == events
    assert report(port, client_id)[0] == 201


def kill_web(port: int) -> None:
    """Every process of the web server of this port, and of no other."""
    found = subprocess.run(["pgrep", "-f", f"granian.*--port {port}"], capture_output=True, text=True, check=False)
    for pid in found.stdout.split():
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


def test_backends_are_killed_while_reports_come(served):
    home, port, _supervisor = served
    ids = [str(uuid.uuid4()) for _ in range(60)]
    stop, killed = threading.Event(), []

    def kill() -> None:
        while not stop.wait(0.03):
            with (
                contextlib.suppress(psycopg.Error),
                psycopg.connect(Cluster(home).dsn(), autocommit=True) as connection,
            ):
                killed.extend(
                    connection.execute(
                        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                )

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        for client_id in ids:
            for _attempt in range(3):
                if report(port, client_id)[0] in (200, 201):
                    break
    finally:
        stop.set()
        killer.join()
    until(lambda: not any(lives(str(pid)) for pid, _done in killed))  # who was asked to go answers until it has heard
    for client_id in ids:
        assert report(port, client_id)[0] in (200, 201)
    cases = count(home, "cases_case")
    assert cases == count(home, "(SELECT DISTINCT case_id FROM cases_step WHERE action = 'opened') s")
    assert count(home, "kernel_event WHERE name LIKE '%CaseOpened'") == cases


def test_the_web_is_killed_while_a_photo_comes(served):
    home, port, _supervisor = served
    client_id, data = str(uuid.uuid4()), photo()
    assert report(port, client_id)[0] == 201

    sender = threading.Thread(target=send_photo, args=[port, client_id, data])
    sender.start()
    time.sleep(0.05)
    kill_web(port)
    sender.join()
    until(lambda: answers(port))
    assert send_photo(port, client_id, data) == 204
    assert send_photo(port, client_id, data) == 204
    assert count(home, f"cases_photo p JOIN cases_case c ON c.id = p.case_id WHERE c.client_id = '{client_id}'") == 1


def photo_files(home: Path) -> list[Path]:
    return sorted(p for p in (home / "media").rglob("*") if p.is_file())


def test_no_room_left(served):
    """Refused in words, nothing half done; and taken again, by the same processes, as soon as there is room."""
    home, port, _supervisor = served
    client_id = str(uuid.uuid4())
    assert report(port, client_id)[0] == 201
    nothing_to_do(home)  # with it, and with the photos before
    filler = home / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096):
            with contextlib.suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    photos, kept = count(home, "cases_photo"), photo_files(home)
    status = send_photo(port, client_id, photo(9))
    assert status in (503, 507), status
    # The database still has a little of its own; then it has none.
    for _try in range(300):
        refused, said = report(port, str(uuid.uuid4()), "".join(random.choices(string.ascii_letters, k=3500)))
        if refused != 201:
            break
    assert refused in (503, 507) and json.loads(said)["detail"]
    filler.unlink()
    until(lambda: answers(port))
    assert count(home, "cases_photo") == photos
    assert photo_files(home) == kept
    assert count(home, "cases_case") == count(home, "cases_step WHERE action = 'opened'")
    assert send_photo(port, client_id, photo(9)) == 204
    assert count(home, "cases_photo") == photos + 1
