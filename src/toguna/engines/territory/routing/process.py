"""`python -m toguna.engines.territory.routing.process`: keeps Valhalla answering from the present network.

Kept alive by `./toguna serve`. Waits while no network was built; starts Valhalla again when another one is put in place, or when it
died. It listens on this machine alone, on a port that the system chose, told to others in `routing/serving.json`.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from toguna.engines.territory.routing import programs

MOST = 4  # processors that are used
THREADS = 2  # of each: a way is not kept waiting by a matrix
_libc = ctypes.CDLL(None)


def main() -> int:
    """Until SIGTERM. Returns 0, or 1 when Valhalla is not on this machine or ends by itself (whoever keeps us alive waits, then
    starts us again)."""
    stopping = False

    def stop_soon(number: int, frame: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop_soon)
    signal.signal(signal.SIGINT, stop_soon)
    valhalla: Valhalla | None = None
    try:
        while not stopping:
            network = programs.current()
            if valhalla is not None and (network is None or network.name != valhalla.network.name):
                valhalla.end()
                valhalla = None
            if valhalla is None and network is not None:
                valhalla = Valhalla(network)
            if valhalla is not None and (ended := valhalla.ended()) is not None:
                sys.stderr.write(f"valhalla_service ended: {ended}\n")
                return 1
            time.sleep(0.5)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if valhalla is not None:
            valhalla.end()
    return 0


class Valhalla:
    """A running valhalla_service for each processor, held on that one: inside, a question goes through a dozen threads, and each hand-over to
    another processor, which sleeps, costs more than its share of a short way. Raises FileNotFoundError when it is not installed."""

    def __init__(self, network: Path) -> None:
        found = programs.program("valhalla_service")
        if found is None:
            raise FileNotFoundError(f"valhalla_service is not in {programs.folder()}")
        self.network = network
        self._folder = tempfile.TemporaryDirectory(prefix="toguna-routing-")
        self.processes: list[subprocess.Popen[bytes]] = []
        ports = []
        for processor in sorted(os.sched_getaffinity(0))[:MOST]:
            port = _free_port()
            path = Path(self._folder.name) / f"valhalla-{port}.json"
            path.write_text(json.dumps(_config(network, port)))
            self.processes.append(
                subprocess.Popen(
                    [str(found), str(path), str(THREADS)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    preexec_fn=partial(_begin, processor),  # safe: there is one thread
                )
            )
            ports.append(port)
        for _wait in range(200):
            if all(_answers(port) for port in ports) or self.ended() is not None:
                break
            time.sleep(0.05)
        told = programs.Serving([p.pid for p in self.processes], ports, network.name)
        making = programs.serving_file().with_suffix(f".{os.getpid()}")
        making.write_text(json.dumps(asdict(told)))
        making.replace(programs.serving_file())

    def ended(self) -> int | None:
        """How one of them ended by itself, or None while all run."""
        return next((code for p in self.processes if (code := p.poll()) is not None), None)

    def end(self) -> None:
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        found = programs.serving()
        if found is not None and found.pids == [p.pid for p in self.processes]:
            programs.serving_file().unlink(missing_ok=True)
        self._folder.cleanup()


def _config(network: Path, port: int) -> dict[str, Any]:
    """That of the network, with where to listen. The rooms inside Valhalla talk over names that are in no folder."""
    config: dict[str, Any] = json.loads((network / "valhalla.json").read_text())
    for room in ("loki", "thor", "odin", "meili"):
        config[room]["service"]["proxy"] = f"ipc://@toguna-{port}-{os.getpid()}-{room}"
    config["httpd"]["service"] |= {
        "listen": f"tcp://127.0.0.1:{port}",
        "loopback": f"ipc://@toguna-{port}-{os.getpid()}-loopback",
        "interrupt": f"ipc://@toguna-{port}-{os.getpid()}-interrupt",
        "drain_seconds": 1,
        "shutdown_seconds": 1,
    }
    return config


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _begin(processor: int) -> None:
    """In the child: on that processor alone; SIGTERM comes when this process dies, even by `kill -9`."""
    os.sched_setaffinity(0, {processor})
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
