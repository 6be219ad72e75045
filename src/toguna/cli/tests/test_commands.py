"""The command line as the IT person uses it, in processes of their own: a real town set up, kept and put back."""

import json
from pathlib import Path

import psycopg
import pytest

from toguna.kernel.cluster import Cluster


def count(home: Path, statement: str) -> int:
    with psycopg.connect(Cluster(home).dsn()) as connection:
        return connection.execute(statement).fetchone()[0]


def test_a_town_is_set_up_filled_kept_and_put_back(toguna, town_made, empty_home, tmp_path):
    home, other = empty_home(), empty_home()
    assert "Saint-Louis is set up" in town_made(home)
    Cluster(home).start()
    again = toguna(home, "init", "--name", "Saint-Louis", "--country", "SN")
    assert again.returncode == 1 and "already" in again.stderr
    assert count(home, "SELECT count(*) FROM cases_topic WHERE case_type = 'reports'") == 20
    assert count(home, "SELECT count(*) FROM people_account WHERE is_superuser") == 1

    points = tmp_path / "puits.geojson"
    feature = {
        "type": "Feature",
        "properties": {"name": "Puits de Sor"},
        "geometry": {"type": "Point", "coordinates": [-16.49, 16.02]},
    }
    points.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    done = toguna(home, "territory", "import", str(points))
    assert done.returncode == 0 and "added 1" in done.stdout, done.stderr
    assert toguna(home, "territory", "import", str(tmp_path / "none.pbf")).returncode == 1

    seal = home / "seal" / "signer.p12"  # without its keys the town would sign as somebody else
    seal.parent.mkdir(exist_ok=True)
    seal.write_bytes(b"the key")
    kept = tmp_path / "town.toguna"
    done = toguna(home, "backup", str(kept))
    assert done.returncode == 0 and kept.stat().st_mode & 0o077 == 0, done.stderr
    done = toguna(other, "restore", str(kept))
    assert done.returncode == 0, done.stderr
    assert count(other, "SELECT count(*) FROM territory_feature WHERE name = 'Puits de Sor'") == 1
    assert (other / "secret").read_text() == (home / "secret").read_text()
    assert (other / "seal" / "signer.p12").read_bytes() == b"the key"
    assert (other / "seal" / "signer.p12").stat().st_mode & 0o077 == 0
    refused = toguna(other, "restore", str(kept))
    assert refused.returncode == 1 and "--force" in refused.stderr

    cut = tmp_path / "cut.toguna"
    cut.write_bytes(kept.read_bytes()[:-30_000])
    done = toguna(other, "restore", str(cut), "--force")
    assert done.returncode == 1 and "whole backup" in done.stderr
    assert count(other, "SELECT count(*) FROM territory_feature") == 1  # what was there is still there

    found = {f["part"]: f["state"] for f in json.loads(toguna(other, "doctor", "--json").stdout)}
    assert found["database"] == found["postgis"] == found["tables"] == "ok"


def test_the_demo_town_is_loaded_whole_and_once(toguna, empty_home):
    """With every service that there is: each brings teams, forms and data that the next finds there."""
    home = empty_home()
    for _twice in range(2):
        done = toguna(home, "demo", "--once", "--people", "1000")
        assert done.returncode == 0, done.stdout + done.stderr
    assert count(home, "SELECT count(*) FROM cases_case WHERE type = 'reports'") > 50
    assert count(home, "SELECT count(*) - count(DISTINCT names ->> 'fr') FROM people_team") == 0
    assert count(home, "SELECT count(*) FROM cases_case WHERE type = 'reports' AND team_id IS NULL") == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve"], "no town here yet"),
        (["restore", "/nowhere.toguna"], "no file"),
        (["init", "--name", "X", "--country", "ZZZ"], "ISO 3166"),
        (["demo", "--people", "5"], "1,000 to 2,000,000"),
        (["dance"], "no command dance"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(toguna, tmp_path, words, said):
    done = toguna(tmp_path, *words)
    assert done.returncode != 0
    assert said in done.stderr and "Traceback" not in done.stderr


def test_help_reads_like_a_page_and_every_command_has_its_own(toguna, tmp_path):
    page = toguna(tmp_path, "--help").stdout
    assert "demo" in page and "backup" in page and "usage:" not in page
    for command in ("demo", "serve", "init", "backup", "restore", "territory"):
        assert toguna(tmp_path, command, "--help").returncode == 0
