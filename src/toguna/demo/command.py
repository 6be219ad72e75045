"""`./toguna demo`: makes the fictional town, loads it through the doors that real towns use, and serves it."""

from __future__ import annotations

import csv
import json
import os
import secrets
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg import sql
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from toguna.demo import generator, words
from toguna.kernel import cluster, places, town
from toguna.kernel.demo import DemoFiles

# Mali's codes give the town a currency, a telephone plan and a clock; nothing else of it is Mali's.
TOWN = town.Town(
    name=words.TOWN,
    country="ML",
    languages=("fr", "pt", "en"),
    currency="XOF",
    time_zone="Africa/Bamako",
    accent="#b5461b",
    demo=True,
)


class Refused(Exception):
    """The demo town cannot be loaded here; str() says why and what to do."""


@dataclass(frozen=True)
class State:
    """What was asked for and how far it has come, in `demo.json`. until: ISO date; done: steps that are loaded."""

    people: int
    until: str
    seed: int = generator.SEED
    version: int = generator.VERSION
    password: str = ""
    done: tuple[str, ...] = field(default=())

    def same_town(self, people: int) -> bool:
        return (self.people, self.seed, self.version) == (people, generator.SEED, generator.VERSION)


def _path() -> Path:
    return places.home() / "demo.json"


def _read() -> State | None:
    try:
        values = json.loads(_path().read_text("utf-8"))
        return State(**{**values, "done": tuple(values["done"])})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _keep(state: State) -> State:
    """Written whole or not at all, and for the owner's eyes: it holds the password."""
    target = _path()
    target.parent.mkdir(parents=True, exist_ok=True)
    making = target.with_suffix(".new")
    with os.fdopen(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(asdict(state), file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    making.replace(target)
    return state


def _password() -> str:
    """Four syllables and four digits, easy to type; new for each demo, so that no published demo has a known one."""
    syllables = [c + v for c in "bdfgklmnst" for v in "aeiou"]
    return "".join(secrets.choice(syllables) for _ in range(4)) + f"-{secrets.randbelow(10_000):04d}"


def run(people: int, port: int, once: bool, *, prepare: Callable[[], None], serve: Callable[[int], int]) -> int:
    """Loads a demo town of so many people unless it is there already, then serves it (or returns, when `once`).

    prepare() makes database, tables and static files ready for this process; serve(port) serves until stopped. Both are
    the command line's. Loading that was interrupted goes on where it stopped. Raises Refused.
    """
    started = time.monotonic()
    here = town.load()
    if here is not None and not here.demo:
        raise Refused(
            f"{places.home()} holds a real town, {here.name}: the demo is not loaded over it. "
            "Give the demo a folder of its own: TOGUNA_HOME=/some/folder ./toguna demo"
        )
    state = _read()
    if state is None or not state.same_town(people):
        if state is not None:
            print("Replacing the demo town that was here", flush=True)
            _keep(replace(state, people=0, done=()))  # no town: an interruption here begins again
            _empty()
        state = _keep(State(people, datetime.now(UTC).date().isoformat(), password=_password()))
    print(f"{words.TOWN}, a fictional town of {people:,} people", flush=True)
    folder = places.home() / "demo"
    with _Bar() as bar:
        until = date.fromisoformat(state.until)
        generator.make(folder, people, until=until, progress=lambda step, share: bar.show(f"Making {step}", share))
    if here is None:
        town.write(TOWN)
    prepare()
    # Only now: the models can be imported once Django knows which town this is.
    from toguna.demo import loading

    if not loading.town_is_there():
        state = replace(state, done=())
    already = state.done
    with _Bar() as bar:
        files = DemoFiles(folder, people, until, bar.show, state.password)
        for step in loading.steps(files):
            if step.name not in state.done:
                bar.show(step.title, 0.0)
                step.load()
                state = _keep(replace(state, done=(*state.done, step.name)))
    print("Loaded already" if state.done == already else f"Loaded in {time.monotonic() - started:.0f} s", flush=True)
    _say_log_ins(folder, state.password, port)
    return 0 if once else serve(port)


def _empty() -> None:
    """Drops all that an earlier demo left: the private database, and the photos."""
    if cluster.external():
        raise Refused("DATABASE_URL holds another demo town: give an empty database, or ask for the same --people")
    own = cluster.Cluster()
    own.ensure()
    with psycopg.connect(own.dsn(database="postgres"), autocommit=True) as connection:
        name = sql.Identifier(cluster.NAME)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    shutil.rmtree(places.home() / "media", ignore_errors=True)


def log() -> Path:
    """What the demo's programs say, each SMS of its people among it: in the terminal the log-ins would be gone in a moment."""
    return places.home() / "demo" / "serve.log"


def _say_log_ins(folder: Path, password: str, port: int) -> None:
    with (folder / "staff.csv").open(newline="", encoding="utf-8") as file:
        staff = list(csv.DictReader(file))
    first = {person["role"]: person for person in reversed(staff)}
    print(f"\n  Site      http://127.0.0.1:{port}/")
    print(f"  Password  {password}   (the same for all staff of this demo)")
    for role, title in (
        ("administrator", "the IT person"),
        ("manager", "a head of service"),
        ("agent", "an agent"),
        ("reader", "the mayor"),
    ):
        if role in first:
            print(f"    {first[role]['email']:<32} {title}")
    print(f"  Everyone: {folder / 'staff.csv'}")
    print("  Second factor: the six digits that this demo's log-in page shows.")
    print("  Residents: a phone number of residents.csv; the page shows the one-time code.")
    print(f"  Messages to them, and all that programs say: {log()}\n", flush=True)


class _Bar:
    """A progress bar on a terminal; elsewhere one line for each step."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._bar = Progress(
            TextColumn("{task.description:<44}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._row = self._bar.add_task("", total=1.0)
        self._last = ""

    def __enter__(self) -> _Bar:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, step: str, share: float) -> None:
        """Called by whoever works: what is being done, and how much of it is done, 0..1."""
        self._bar.update(self._row, description=step, completed=share)
        if step != self._last and not self._console.is_terminal:
            print(step, file=sys.stderr, flush=True)
        self._last = step
