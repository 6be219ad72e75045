"""`./toguna COMMAND`: what the shell script hands over to."""

from __future__ import annotations

import argparse
import contextlib
import gettext
import os
import sys
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path

from toguna.kernel import catalogues

COMMANDS = frozenset(
    [
        "demo",
        "init",
        "serve",
        "stop",
        "status",
        "url",
        "doctor",
        "territory",
        "routing",
        "backup",
        "restore",
        "test",
        "bench",
        "manage",
        "simulate",
    ]
)

# Translated as one text: it is a page.
HELP = """\
Toguna: the open house where a town settles its affairs.

  Try it
    demo [--people N] [--port P] [--once]   load the fictional demo town and serve it

  Run a town
    init                                    set up a real town: name, languages, first administrator
    serve [--port P] [--host H] [--sms] [--mail] [--mqtt] [--trackers]
                                            start everything and answer on the web (--sms: Kannel, --mail: LMTP,
                                            --mqtt: Mosquitto, --trackers: GPS trackers over TCP too)
    stop                                    stop everything, in order
    status                                  what is running
    url                                     the address of the site
    doctor [--json]                         check every part and say what to do

  Its data
    territory import FILE [--layer NAME]    OSM PBF, GeoJSON, GeoPackage, Shapefile (zip), KML, CSV, GeoTIFF
    routing build [--again]                 the network that routes are computed on, of the present streets
    backup [FILE]                           everything in one file, verified
    restore FILE [--force]                  put a backup back; the old data stays until the new is whole

  Develop
    test [ARGS]                             all checks and tests
    bench [NAME] [--json]                   measured against a rival in the same run
    simulate [NAME] [--port P] [--faults F] another company's server, for trying (no name: lists them)
    simulate fleet [--seconds N] [--mqtt]   the trucks of this town drive today's rounds in a minute
    simulate scale [--seconds N] [--faults altered:0.2,again:0.2,moved:0.2,nowhere,heavy,clock,stranger]
                                            its scales weigh what households bring, one a second
    manage ...                              Django's own commands

  Data is kept in var/ (TOGUNA_HOME moves it). With DATABASE_URL, the town's own PostgreSQL is used.
  More: ./toguna COMMAND --help, and docs/.
"""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="./toguna", add_help=False, usage="./toguna COMMAND")
    commands = made.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, description=summary, prog=f"./toguna {name}")

    demo = add("demo", _("Loads a fictional town, made by Toguna's own generator, and serves it."))
    demo.add_argument("--people", type=int, default=20_000, help=_("inhabitants, 1,000 to 2,000,000 (default 20,000)"))
    demo.add_argument("--port", type=int, default=8000)
    demo.add_argument("--once", action="store_true", help=_("load, then exit"))

    serve = add("serve", _("Starts the database, the web server and the worker; stops them all with Ctrl-C."))
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--host", default="127.0.0.1", help=_("address to listen on (0.0.0.0 for all)"))

    serve.add_argument(
        "--sms", action="store_true", help=_("start the SMS gateway (Kannel) too; see docs/channels-sms.md")
    )

    serve.add_argument(
        "--mail", action="store_true", help=_("take letters from the mail server over LMTP; see docs/channels-post.md")
    )

    serve.add_argument(
        "--mqtt", action="store_true", help=_("start the MQTT broker (Mosquitto) for devices; see docs/telemetry.md")
    )

    serve.add_argument(
        "--trackers", action="store_true", help=_("listen to GPS trackers over TCP; see docs/trackers.md")
    )

    add("stop", _("Stops the web server, the worker and the private database."))
    add("status", _("Says what is running."))
    add("url", _("Prints the base address of the site."))
    doctor = add(
        "doctor", _("Checks every part of the installation and says what to do. Exit code 1 when something fails.")
    )
    doctor.add_argument("--json", action="store_true")

    init = add("init", _("Sets up a real town. Asks for what the flags do not say."))
    init.add_argument("--name", help=_("name of the town"))
    init.add_argument("--country", help=_("ISO 3166 code, such as SN, ML, CV, GH"))
    init.add_argument("--languages", help=_("comma-separated, the first is the town's own: fr,pt,en"))
    init.add_argument("--currency", help=_("ISO 4217 code, such as XOF"))
    init.add_argument("--time-zone", help=_("such as Africa/Dakar"))
    init.add_argument("--accent", help=_("colour of the town, such as #c8501e"))
    init.add_argument("--admin-email", help=_("the first administrator's e-mail"))
    init.add_argument("--admin-name", help=_("the first administrator's name"))
    init.add_argument("--admin-password", help=_("12 characters at least (asked for when not given)"))
    init.add_argument("--force", action="store_true", help=_("change a town that is set up already"))

    territory = add("territory", _("Brings the town's territory in."))
    actions = territory.add_subparsers(dest="action", required=True)
    bring = actions.add_parser("import", prog="./toguna territory import", description=_("Imports one file."))
    bring.add_argument("file")
    bring.add_argument(
        "--layer", help=_("layer to import into (default: the file's name; OSM files fill several layers)")
    )

    routing = add("routing", _("The network that routes are computed on."))
    actions = routing.add_subparsers(dest="action", required=True)
    network = actions.add_parser(
        "build", prog="./toguna routing build", description=_("Builds it from the present streets.")
    )
    network.add_argument("--again", action="store_true", help=_("also when the streets are the same"))

    backup = add("backup", _("Writes database, photos, town.toml and secret into one file, and reads it back."))
    backup.add_argument("file", nargs="?")
    restore = add("restore", _("Puts a backup back. What is there stays until the new data is whole."))
    restore.add_argument("file")
    restore.add_argument("--force", action="store_true", help=_("replace the town that is here"))

    simulate = add("simulate", _("Stands in for another company's server, for trying a set-up without an account."))
    simulate.add_argument("name", nargs="?")
    simulate.add_argument("--port", type=int)
    simulate.add_argument("--url", default="", help=_("fleet, scale: the address of the town that serves"))
    simulate.add_argument("--seconds", type=float, default=60.0, help=_("fleet, scale: how long it takes"))
    simulate.add_argument("--mqtt", action="store_true", help=_("fleet: trackers speak MQTT, not HTTP"))
    simulate.add_argument("--faults", default="", help=_("for example lost:0.1,500:0.05 (shares of the requests)"))

    own = {"test": _("Checks and tests."), "bench": _("Measures."), "manage": _("Django's own commands.")}
    for name, summary in own.items():
        add(name, summary).add_argument("rest", nargs=argparse.REMAINDER)
    return made


def main(argv: Sequence[str]) -> int:
    """Runs one command; returns its exit code. Errors that a person can act on are one sentence, without a traceback."""
    speak()
    if not argv or argv[0] in {"help", "-h", "--help"}:
        print(_(HELP))
        return 0
    if argv[0] in {"test", "bench", "manage"} and argv[1:2] not in (["-h"], ["--help"]):
        args = argparse.Namespace(command=argv[0], rest=list(argv[1:]))
    elif argv[0] in COMMANDS or argv[0].startswith("-"):
        args = parser().parse_args(argv)
    else:
        print(
            _("toguna: there is no command {name}. ./toguna --help lists them.").format(name=argv[0]), file=sys.stderr
        )
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "toguna.site.settings")

    # After the language and the environment are set: they lead to Django's settings.
    from django.db import DatabaseError

    from toguna.cli import commands
    from toguna.cli.stopping import Stop
    from toguna.kernel.cluster import ClusterError
    from toguna.kernel.town import TownFileError

    try:
        return int(getattr(commands, args.command)(args) or 0)
    except (ClusterError, TownFileError, Stop) as error:
        problem = str(error)
    except DatabaseError as error:
        problem = _("the database refused: {error}./toguna doctor says more.").format(error=f"{error}\n")
    except BrokenPipeError:
        return 0
    except OSError as error:
        problem = str(error)
    except KeyboardInterrupt:
        return 130
    print(f"toguna: {problem}", file=sys.stderr)
    return 1


def speak() -> None:
    """The language of the terminal (LANGUAGE, LC_ALL, LC_MESSAGES, LANG); argparse's own words too."""
    with contextlib.suppress(OSError):  # a checkout that we may not write to: English, or what was compiled before
        list(catalogues.compile_stale(Path(__file__).parent))
    gettext.bindtextdomain("toguna", str(Path(__file__).parent / "locale"))
    gettext.textdomain("toguna")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
