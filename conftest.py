"""Shared by all tests."""

import fcntl
import os
import shutil
import string
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connections
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.backends.postgresql.operations import DatabaseOperations
from django.middleware import csrf
from hypothesis import HealthCheck, settings
from whitenoise.base import WhiteNoise

from toguna.engines.forms.xlsform import writing
from toguna.engines.territory import zones
from toguna.kernel import migrating, places
from toguna.kernel.cluster import Cluster
from toguna.kernel.testing import forget_jobs
from toguna.services.reports import topics

pytest_plugins = ["toguna.kernel.testing_browser"]

# How fast examples come says how busy the machine is, and nothing of what is tested. The same examples each time: a change is judged by
# what it changed. Who looks for faults gives --hypothesis-profile=chance.
settings.register_profile("chance", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("toguna", settings.get_profile("chance"), derandomize=True, database=None)
settings.load_profile("toguna")

# A token in a form spells no name and no number that a page must not have: of any letters and digits, one in four thousand has "Awa".
csrf.CSRF_ALLOWED_CHARS = string.ascii_lowercase

SHARED_DATA = Path(__file__).parent.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the real data (../shared/data) is not beside this checkout")
    return SHARED_DATA


# Begun last, one would be waited for alone.
LONG = ("test_two_towns.py", "test_contract.py", "test_commands.py", "test_by_words.py")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Of files that are tested side by side, those that take longest begin: the one that is known, then those with most tests."""
    if hasattr(config, "workerinput"):
        many = Counter(item.path for item in items)
        items.sort(key=lambda item: (item.path.name not in LONG, -many[item.path], str(item.path)))


MODEL = "test_toguna_model"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request: pytest.FixtureRequest,
    django_db_modify_db_settings: None,
    django_db_blocker: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A live server answers each line of a browser in a thread of its own: a connection kept in each of them uses up those
    of the server, and the database cannot be removed at the end.

    Of processes that test side by side one makes the tables, and each has a copy."""
    given = connections.settings["default"]
    given["CONN_MAX_AGE"] = 0
    if not hasattr(request.config, "workerinput"):
        return
    run = tmp_path_factory.getbasetemp().parent  # of all the processes
    with (run / "model.lock").open("w") as lock, django_db_blocker.unblock():
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (run / "model.made").exists():
            _make_model()
            (run / "model.made").touch()
    given["TEST"]["TEMPLATE"] = MODEL
    connections["default"].settings_dict["TEST"]["TEMPLATE"] = MODEL


def _make_model() -> None:
    made = connections["default"]
    name, own = made.settings_dict["NAME"], made.settings_dict["TEST"]["NAME"]
    made.settings_dict["TEST"]["NAME"] = MODEL
    try:
        made.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    finally:
        made.close()
        made.settings_dict["NAME"] = connections.settings["default"]["NAME"] = name
        made.settings_dict["TEST"]["NAME"] = own


# A town of its own, in processes of its own.

INIT = (
    "init", "--name", "Saint-Louis", "--country", "SN", "--languages", "fr,en", "--currency", "XOF", "--time-zone", "Africa/Dakar",
    "--admin-email", "it@town.test", "--admin-password", "un-long-mot-de-passe",
)  # fmt: skip


@pytest.fixture(scope="session")
def toguna() -> Callable[..., subprocess.CompletedProcess[str]]:
    """toguna(home, word...): the command line of the town in a folder, in a process of its own."""

    def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("TOGUNA_", "DATABASE_", "DJANGO_"))}
        kept |= {"TOGUNA_HOME": str(home), "PYTHONPATH": str(places.checkout() / "src")}
        return subprocess.run(
            [sys.executable, "-m", "toguna.cli", *words], env=kept | {"LANGUAGE": "en", "LC_ALL": "C.UTF-8"},
            capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip

    return run


@pytest.fixture(scope="module")
def empty_home() -> Iterator[Callable[[], Path]]:
    """empty_home(): a folder for a town, which the database's user may enter too. At the end its server stops and it is removed."""
    made = []

    def make() -> Path:
        home = Path(tempfile.mkdtemp(prefix="toguna-"))
        made.append(home)
        return ready_home(home)

    yield make
    for home in made:
        Cluster(home).stop()
        shutil.rmtree(home)


def ready_home(home: Path) -> Path:
    """What a town compresses is the same in each: the map library alone takes ten seconds."""
    home.chmod(0o755)
    (places.home() / "compressed").mkdir(exist_ok=True)
    (home / "compressed").symlink_to(places.home() / "compressed")
    return home


@pytest.fixture(scope="session")
def town_made(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toguna
) -> Callable[[Path], str]:
    """town_made(home) puts into a folder the town that `init` makes, stopped, and gives what `init` said.

    It is made once for all the processes that test, and copied: each copy has its own server and its own secret."""
    run, model = tmp_path_factory.getbasetemp(), places.home() / "model"
    if hasattr(request.config, "workerinput"):
        run = run.parent
    said = run / "town.made"
    with (run / "town.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            Cluster(model).stop()
            shutil.rmtree(Cluster(model).data, ignore_errors=True)
            shutil.rmtree(model, ignore_errors=True)
            model.mkdir()
            done = toguna(ready_home(model), *INIT)
            Cluster(model).stop()
            assert done.returncode == 0, done.stderr
            said.write_text(done.stdout)

    def put(home: Path) -> str:
        parts = {"pg": Cluster(model).data, "static": model / "static", "town.toml": model / "town.toml"}
        for name, part in parts.items():
            subprocess.run(["cp", "-a", "--reflink=auto", part, home / name], check=True)
        return said.read_text()

    return put


# A password of a test need not stand up to a thief: a tenth of a second for each account that a test makes.
Argon2PasswordHasher.time_cost, Argon2PasswordHasher.memory_cost, Argon2PasswordHasher.parallelism = 1, 8, 1

_convert = writing.convert
_converted: dict[str, object] = {}


def _convert_once(read, **options):
    """The fifteen forms that a town begins with are the same in each test that begins with them."""
    key = repr((read, options))
    if key not in _converted:
        _converted[key] = _convert(read, **options)
    return _converted[key]


writing.convert = _convert_once

_look_for_files = WhiteNoise.update_files_dictionary
_files: dict[tuple[str, str], dict] = {}


def _look_once(self, root, prefix):
    """Each client of a test makes the town's door anew: the static files are looked for once, not two thousand times."""
    if (root, prefix) not in _files:
        before = dict(self.files)
        self.files.clear()
        _look_for_files(self, root, prefix)
        _files[root, prefix] = dict(self.files)
        self.files = before
    self.files.update(_files[root, prefix])


WhiteNoise.update_files_dictionary = _look_once

_create = BaseDatabaseCreation.create_test_db


def _create_quickly(self, *args, **options):
    with migrating.quickly():
        return _create(self, *args, **options)


BaseDatabaseCreation.create_test_db = _create_quickly  # type: ignore[method-assign]

_flush = DatabaseOperations.sql_flush
BOOK = ("ledger_entry", "ledger_line")


def _truncate(self, style, tables, **options):
    """The book refuses to be emptied, also by its owner: between two tests its guards stand aside."""
    statements = _flush(self, style, tables, **options)
    kept = [table for table in BOOK if table in tables]
    aside = [f"ALTER TABLE {table} DISABLE TRIGGER {table}_keep" for table in kept]
    back = [f"ALTER TABLE {table} ENABLE TRIGGER {table}_keep" for table in kept]
    return [*aside, *statements, *back] if statements else statements


# The same for ever: else a thousand rows are written after each test. Jobs are forgotten by a fixture of their own.
KEPT = ("auth_permission", "django_content_type", "django_migrations", "procrastinate_%")
_TABLES = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
AND relname NOT LIKE ALL(%s) AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')"""


def _empty(self, style, tables, **options):
    """Only what a test wrote into, and the tables of counts beside it, without TRUNCATE, which makes 1,400 new files for the tables and
    indexes of the town.

    As a replica nothing is checked: the book refuses to be emptied, also by its owner."""
    if self.connection.pg_version < 150000:  # `./toguna test` may not grant it there
        return _truncate(self, style, tables, **options)
    with self.connection.cursor() as cursor:
        cursor.execute(_TABLES, [list(KEPT)])
        names = [name for (name,) in cursor.fetchall()]
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names))
        written = [name for (name,) in cursor.fetchall()]
    if not written:
        return []
    emptied = [f'DELETE FROM "{name}"' for name in written]
    return ["SET session_replication_role = replica", *emptied, "SET session_replication_role = DEFAULT"]


DatabaseOperations.sql_flush = _empty  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    """What processes keep in memory for a few seconds (zones, categories) is another test's."""
    zones.forget()
    topics.forget()


@pytest.fixture(autouse=True)
def no_job_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """The queue is none of Django's tables: what a test with transactions of its own leaves there is not for the next to do."""
    marker = request.node.get_closest_marker("django_db")
    own = marker is not None and marker.kwargs.get("transaction")
    if own:
        request.getfixturevalue("transactional_db")
    yield
    if own:
        forget_jobs()
