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
from pathlib import Path
from typing import Any

from toguna.engines.territory.routing import programs

THREADS = max(1, min(4, os.cpu_count() or 1))
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
            if valhalla is not None and valhalla.process.poll() is not None:
                sys.stderr.write(f"valhalla_service ended: {valhalla.process.returncode}\n")
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
    """One running valhalla_service. Raises FileNotFoundError when it is not installed."""

    def __init__(self, network: Path, threads: int = THREADS) -> None:
        found = programs.program("valhalla_service")
        if found is None:
            raise FileNotFoundError(f"valhalla_service is not in {programs.folder()}")
        self.network = network
        self.port = _free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="toguna-routing-")
        config = _config(network, self.port)
        path = Path(self._folder.name) / "valhalla.json"
        path.write_text(json.dumps(config))
        self.process = subprocess.Popen(
            [str(found), str(path), str(threads)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_end_with_parent,  # safe: there is one thread
        )
        for _wait in range(200):
            if _answers(self.port) or self.process.poll() is not None:
                break
            time.sleep(0.05)
        told = programs.Serving(self.process.pid, self.port, network.name)
        making = programs.serving_file().with_suffix(f".{os.getpid()}")
        making.write_text(json.dumps(asdict(told)))
        making.replace(programs.serving_file())

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(3)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        found = programs.serving()
        if found is not None and found.pid == self.process.pid:
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


def _end_with_parent() -> None:
    """In the child: SIGTERM comes when this process dies, even by `kill -9`."""
    pr_set_pdeathsig = 1
    _libc.prctl(pr_set_pdeathsig, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
