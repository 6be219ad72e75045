"""`./toguna demo`: loads once, goes on after an interruption, never over a real town. The loaders are doubles here."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from toguna.demo import command, generator
from toguna.kernel import town

PEOPLE = 1_000


class Stage:
    """A home folder, steps that record that they ran, and a way to interrupt one of them."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.ran: list[str] = []
        self.emptied = 0
        self.served: list[int] = []
        self.break_at = ""
        self.town_is_there = True

    def _load(self, name: str) -> Callable[[], None]:
        def load() -> None:
            if name == self.break_at:
                raise KeyboardInterrupt
            self.ran.append(name)

        return load

    def steps(self, files: object) -> list[SimpleNamespace]:
        return [SimpleNamespace(name=n, title=n, load=self._load(n)) for n in ("categories", "map", "reports")]

    def empty(self) -> None:
        self.emptied += 1

    def run(self, people: int = PEOPLE, once: bool = True) -> int:
        self.ran.clear()
        return command.run(people, 8123, once, prepare=lambda: None, serve=lambda port: self.served.append(port) or 5)

    def state(self) -> dict[str, object]:
        return dict(json.loads((self.home / "demo.json").read_text("utf-8")))


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setenv("TOGUNA_HOME", str(tmp_path))
    town.load.cache_clear()
    made = Stage(tmp_path)
    loading = ModuleType("toguna.demo.loading")
    loading.steps = made.steps  # type: ignore[attr-defined]
    loading.town_is_there = lambda: made.town_is_there  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "toguna.demo.loading", loading)
    monkeypatch.setattr("toguna.demo.loading", loading, raising=False)
    monkeypatch.setattr(command, "_empty", made.empty)
    yield made
    town.load.cache_clear()


def test_loads_all_and_says_how_to_log_in(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    assert stage.run() == 0
    assert stage.ran == ["categories", "map", "reports"]
    here = town.load()
    assert here and here.demo and here.name == "Soundiakoura"
    said = capsys.readouterr().out
    assert "fictional" in said and "http://127.0.0.1:8123/" in said and "admin@soundiakoura.test" in said
    assert str(stage.state()["password"]) in said
    assert stage.served == []


def test_a_second_time_loads_nothing_and_serves(stage: Stage) -> None:
    stage.run()
    password = stage.state()["password"]
    assert stage.run(once=False) == 5
    assert stage.ran == [] and stage.served == [8123] and stage.emptied == 0
    assert stage.state()["password"] == password


def test_goes_on_where_it_was_interrupted(stage: Stage) -> None:
    stage.break_at = "map"
    with pytest.raises(KeyboardInterrupt):
        stage.run()
    assert stage.ran == ["categories"]
    stage.break_at = ""
    stage.run()
    assert stage.ran == ["map", "reports"]


def test_a_new_empty_database_is_filled_again(stage: Stage) -> None:
    stage.run()
    stage.town_is_there = False
    stage.run()
    assert stage.ran == ["categories", "map", "reports"]


def test_the_next_day_is_the_same_town(stage: Stage) -> None:
    stage.run()
    yesterday = {**stage.state(), "until": "2026-01-15"}
    (stage.home / "demo.json").write_text(json.dumps(yesterday), "utf-8")
    stage.run()
    assert stage.ran == [] and stage.state()["until"] == "2026-01-15"


def test_another_size_replaces_the_demo(stage: Stage) -> None:
    stage.run()
    stage.run(people=1_200)
    assert stage.emptied == 1 and stage.ran == ["categories", "map", "reports"]
    assert json.loads((stage.home / "demo" / "manifest.json").read_text("utf-8"))["people"] == 1_200


def test_interrupted_while_replacing_begins_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.run()

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_empty", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stage.run(people=1_200)
    monkeypatch.setattr(command, "_empty", stage.empty)
    stage.run()  # the first size again: what the database holds is not trusted
    assert stage.emptied == 1 and stage.ran == ["categories", "map", "reports"]


def test_never_over_a_real_town(stage: Stage) -> None:
    town.write(town.Town(name="Ségou", country="ML"))
    with pytest.raises(command.Refused, match=r"Ségou.*TOGUNA_HOME"):
        stage.run()
    assert [path.name for path in stage.home.iterdir()] == ["town.toml"]


def test_never_over_another_database_of_the_towns_own(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setenv("DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
    with pytest.raises(command.Refused, match="DATABASE_URL"):
        command._empty()


def test_password_is_private_and_new_for_each_demo(stage: Stage) -> None:
    stage.run()
    assert (stage.home / "demo.json").stat().st_mode & 0o077 == 0
    assert len({command._password() for _ in range(50)}) == 50


def test_an_earlier_generator_s_town_is_replaced(stage: Stage) -> None:
    stage.run()
    older = {**stage.state(), "version": generator.VERSION - 1}
    (stage.home / "demo.json").write_text(json.dumps(older), "utf-8")
    stage.run()
    assert stage.emptied == 1 and stage.state()["version"] == generator.VERSION
