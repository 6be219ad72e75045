"""The commands, each thin: the work is in the modules beside."""

from __future__ import annotations

import os
import subprocess
import sys
from argparse import Namespace
from gettext import gettext as _
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from toguna.cli import prepare, supervise
from toguna.cli.stopping import Stop
from toguna.kernel import cluster, places

console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    console.print(text, markup=False)


def _django() -> None:
    """Ready to use the database from this process."""
    prepare.database(say)
    prepare.django(say)


def serve(args: Namespace) -> int:
    _town_is_there()
    prepare.everything(say)
    try:
        return supervise.serve(
            args.host,
            args.port,
            say,
            lambda url: print(_("Serving {url}").format(url=url), flush=True),
            beside=[
                *prepare.routing_process(),
                *(_gateway(args) if getattr(args, "sms", False) else []),
                *(
                    [(_("letters"), [sys.executable, "-m", "django", "mail_in"])]
                    if getattr(args, "mail", False)
                    else []
                ),
                *_devices(args),
            ],
            log=getattr(args, "log", None),
        )
    except supervise.Busy as error:
        raise Stop(str(error)) from error


def _gateway(args: Namespace) -> list[tuple[str, list[str]]]:
    """The processes of Kannel, which calls us on this machine."""
    from toguna.engines.channels import api

    here = supervise.Running(0, args.host, args.port).url.rstrip("/")
    try:
        return api.prepare_kannel(here)
    except api.KannelMissing as error:
        raise Stop(_("the SMS gateway cannot be started: {error}").format(error=error)) from error


def _devices(args: Namespace) -> list[tuple[str, list[str]]]:
    """The MQTT broker, and the collector that takes what it and trackers bring."""
    doors = [name for name in ("mqtt", "trackers") if getattr(args, name, False)]
    if not doors:
        return []
    from toguna.engines.telemetry import api

    try:
        broker = api.prepare_broker() if "mqtt" in doors else []
    except api.BrokerMissing as error:
        raise Stop(_("the MQTT broker cannot be started: {error}").format(error=error)) from error
    flags = [f"--{name}" for name in doors]
    return [*broker, (_("collector"), [sys.executable, "-m", "django", "collector", *flags])]


def _played(args: Namespace) -> int:
    """The trucks or scales of a town that serves, played: not another company's server."""
    _town_is_there()
    _django()
    from django.core.management import call_command
    from django.core.management.base import CommandError

    address = args.url or supervise.url()
    try:
        if args.name == "fleet":
            call_command("simulate_fleet", url=address, seconds=args.seconds, mqtt=args.mqtt)
        else:
            call_command("simulate_scale", url=address, seconds=args.seconds, faults=args.faults)
    except CommandError as error:
        raise Stop(str(error)) from error
    return 0


def simulate(args: Namespace) -> int:
    from toguna.simulate import companies

    if args.name in ("fleet", "scale"):
        return _played(args)
    known = companies.all_of_them()
    if args.name not in known:
        print(f"{'fleet':<16}" + _("the trucks of this town drive today's rounds"))
        print(f"{'scale':<16}" + _("the scales of this town weigh what households bring"))
        print("\n".join(f"{name:<16}http://127.0.0.1:{company.port}" for name, company in sorted(known.items())))
        return 0 if args.name is None else 2
    try:
        faults = companies.read_faults(args.faults, known[args.name])
    except ValueError as error:
        raise Stop(_("--faults: {error}").format(error=error)) from error
    company = known[args.name](port=args.port or known[args.name].port, faults=faults)
    print("\n".join(filter(None, [company.url, company.advice()])), flush=True)
    company.serve()
    return 0


def _town_is_there() -> None:
    from toguna.kernel import town

    if town.load() is None:
        raise Stop(_("there is no town here yet. ./toguna init sets up yours; ./toguna demo shows a fictional one."))


def demo(args: Namespace) -> int:
    if not 1_000 <= args.people <= 2_000_000:
        raise Stop(_("--people is a number from 1,000 to 2,000,000"))
    if not args.once and not supervise.free("127.0.0.1", args.port) and supervise.running() is None:
        raise Stop(_("port {port} is taken by another program: choose another with --port").format(port=args.port))
    # Messages of the demo's people are written while it loads: their links lead to where it will be served.
    os.environ.setdefault("TOGUNA_URL", supervise.Running(0, "127.0.0.1", args.port).url.rstrip("/"))
    from toguna.demo import command

    def serving(port: int) -> int:
        return serve(Namespace(host="127.0.0.1", port=port, log=command.log()))

    try:
        return command.run(args.people, args.port, args.once, prepare=lambda: prepare.everything(say), serve=serving)
    except command.Refused as error:
        raise Stop(str(error)) from error


def stop(args: Namespace) -> int:
    return supervise.stop(say)


def url(args: Namespace) -> int:
    print(supervise.url())
    return 0


def status(args: Namespace) -> int:
    from toguna.kernel import town

    here, found = town.load(), supervise.running()
    if cluster.external():
        database = "DATABASE_URL"
    else:
        state = cluster.Cluster().status()
        words = {"absent": _("none yet"), "stopped": _("stopped"), "running": _("running")}
        database = words[state.status] + (f" (PostgreSQL {state.version})" if state.version else "")
    lines = {
        _("town"): here.name if here else _("none yet"),
        _("folder"): str(places.home()),
        _("database"): database,
        _("web"): found.url if found else _("stopped"),
    }
    width = max(map(len, lines)) + 2
    for name, value in lines.items():
        print(f"{name:<{width}}{value}")
    return 0


def doctor(args: Namespace) -> int:
    from toguna.cli import doctor as checks

    return checks.run(as_json=args.json)


def init(args: Namespace) -> int:
    from toguna.cli import init as setting_up

    return setting_up.run(args, say)


def territory(args: Namespace) -> int:
    path = Path(args.file)
    if not path.is_file():
        raise Stop(_("there is no file {path}").format(path=path))
    _town_is_there()
    _django()
    from toguna.engines.territory import api

    with bar() as progress:
        row = progress.add_task("", total=1.0)
        try:
            report = api.import_file(
                path,
                layer=args.layer,
                progress=lambda step, share: progress.update(row, description=step, completed=share),
            )
        except api.ImportRefused as error:
            raise Stop(str(error)) from error
    print(report)
    return 0


def routing(args: Namespace) -> int:
    _town_is_there()
    prepare.routing(say)
    _django()
    from toguna.engines.territory import api

    with bar() as progress:
        row = progress.add_task("", total=1.0)
        try:
            made = api.build_roads(
                lambda step, share: progress.update(row, description=step, completed=share), again=args.again
            )
        except (api.RoutingUnavailable, api.BuildFailed) as error:
            raise Stop(str(error)) from error
    print(
        _("The road network is in use.")
        if made
        else _("Nothing to do: it is of the present streets, or there is none.")
    )
    return 0


def bar() -> Progress:
    """A progress bar on the terminal; nothing when the output is no terminal."""
    return Progress(
        SpinnerColumn(), TextColumn("{task.description:<40}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"),
        TimeElapsedColumn(), console=console, transient=True, disable=not console.is_terminal,
    )  # fmt: skip


def backup(args: Namespace) -> int:
    from toguna.cli import backup as keeping

    _town_is_there()
    prepare.database(say)
    try:
        print(keeping.save(Path(args.file) if args.file else None, say))
    except keeping.BackupError as error:
        raise Stop(str(error)) from error
    return 0


def restore(args: Namespace) -> int:
    from toguna.cli import backup as keeping

    try:
        keeping.restore(Path(args.file), force=args.force, say=say)
    except keeping.BackupError as error:
        raise Stop(str(error)) from error
    return 0


def test(args: Namespace) -> int:
    from toguna.cli import testing

    return testing.run(args.rest)


def bench(args: Namespace) -> int:
    return subprocess.call([sys.executable, "-m", "bench", *args.rest], cwd=places.checkout())


def manage(args: Namespace) -> int:
    if not any(word in {"compile_texts", "makemigrations"} for word in args.rest[:1]):
        prepare.database(say)
    return subprocess.call([sys.executable, "-m", "django", *args.rest])
