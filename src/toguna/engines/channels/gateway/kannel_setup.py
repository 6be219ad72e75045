"""Kannel of our own: its configuration, made anew at each start from town.toml, and the processes to run.

    [kannel]
    port = 13000                # and the two after it, on loopback; sendsms has port + 13

    [[kannel.smsc]]             # one for each operator; none: Kannel's own imitation, for the demo
    id = "orange"
    host = "smpp.example.net"
    port = 2775
    system_id = "mairie"
    password = "..."
    sender = "36000"
    prefixes = ["+2237"]        # none: any number
    throughput = 50             # SMS a second that the operator takes
    price = 12                  # of one, in the town's currency

Everything else that Kannel can say to an SMSC (`system_type`, `interface_version`, `address_range`...) may stand there too,
under its own name with "-" or "_".
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toguna.engines.channels.gateway import kannel, marks
from toguna.engines.channels.models import Route
from toguna.engines.channels.settings import section
from toguna.kernel import places

PORT = 13000
OURS = frozenset(["id", "host", "port", "system_id", "password", "sender", "prefixes", "throughput", "price", "rate"])
PACKAGES = ("kannel", "kannel-extras")


class Missing(Exception):
    """Kannel is not installed, or town.toml says something that it cannot be told; str() says what to do."""


def programs() -> tuple[str, str]:
    """Where bearerbox and smsbox are. Raises Missing."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
    found = [shutil.which(name, path=path) for name in ("bearerbox", "smsbox")]
    if found[0] is None or found[1] is None:
        raise Missing(f"sudo apt-get install -y {' '.join(PACKAGES)}")
    return found[0], found[1]


def configuration(folder: Path, here: str, *, port: int = PORT, operators: Sequence[Mapping[str, Any]] = ()) -> str:
    """The file for both of Kannel's processes. here: our web server, as seen from this machine."""
    text = _group(
        "core",
        {
            "admin-port": port, "admin-interface": "127.0.0.1", "admin-password": marks.secret("kannel-admin"),
            "admin-allow-ip": "127.0.0.1", "admin-deny-ip": "*.*.*.*",
            "smsbox-port": port + 1, "smsbox-interface": "127.0.0.1", "box-allow-ip": "127.0.0.1", "box-deny-ip": "*.*.*.*",
            "store-type": "file", "store-location": folder / "store",  # what was taken survives a crash of Kannel's
            "dlr-storage": "internal", "sms-combine-concatenated-mo": "true",
            "sms-resend-freq": 5,  # seconds until what an operator found too fast is tried again
            "log-file": folder / "bearerbox.log", "log-level": 2,
        },
    )  # fmt: skip
    if not operators:
        text += _group(
            "smsc",
            {"smsc": "fake", "smsc-id": "demo", "port": port + 2, "host": "127.0.0.1", "connect-allow-ip": "127.0.0.1"},
        )
    for given in operators:
        more = {str(k).replace("_", "-"): v for k, v in given.items() if k not in OURS}
        text += _group(
            "smsc",
            {
                "smsc": "smpp", "smsc-id": given["id"], "host": given["host"], "port": given.get("port", 2775),
                "smsc-username": given["system_id"], "smsc-password": given.get("password", ""),
                "system-type": "VMA", "transceiver-mode": "true", "interface-version": 34, "enquire-link-interval": 30,
                "throughput": given.get("throughput", 10), "reconnect-delay": 10,
                "source-addr-autodetect": "true", "dest-addr-ton": 1, "dest-addr-npi": 1,
                "allowed-smsc-id": given["id"],
            } | more,
        )  # fmt: skip
    text += _group(
        "smsbox",
        {
            "global-sender": next((o["sender"] for o in operators if o.get("sender")), "36000"),
            "bearerbox-host": "127.0.0.1", "bearerbox-port": port + 1, "sendsms-port": port + 13, "sendsms-interface": "127.0.0.1",
            "log-file": folder / "smsbox.log", "log-level": 2,
            "http-request-retry": 20, "http-queue-delay": 5, "max-pending-requests": 200,
        },
    )  # fmt: skip
    text += _group(
        "sendsms-user",
        {
            "username": kannel.USER, "password": kannel.password(), "user-deny-ip": "*.*.*.*", "user-allow-ip": "127.0.0.1",
            "concatenation": "true", "max-messages": 255, "omit-empty": "true",
        },
    )  # fmt: skip
    text += _group(
        "sms-service",
        {
            # %b with %C: the bytes and what they are in (UTF-16BE for UCS-2), so that no letter is lost on the way.
            "keyword": "default", "catch-all": "true", "max-messages": 0, "concatenation": "true", "accepted-smsc": None,
            "get-url": f'"{here}/sms/in/kannel/{marks.secret("in:kannel")}?from=%p&to=%P&text=%b&charset=%C&coding=%c&id=%I&smsc=%i"',
        },
    )  # fmt: skip
    return text


def _group(name: str, values: Mapping[str, Any]) -> str:
    lines = [f"group = {name}"]
    for key, value in values.items():
        if value is None or value == "":
            continue
        if isinstance(value, bool):
            value = str(value).lower()
        if any(c in str(value) for c in "\r\n") or any(c in str(key) for c in "\r\n= "):
            raise Missing(f"[kannel] in town.toml: {key} cannot be told to Kannel")
        lines.append(f"{key} = {value}")
    return "\n".join(lines) + "\n\n"


def prepare(here: str) -> list[tuple[str, list[str]]]:
    """Writes the configuration and the routes; gives the processes to run, in order: [(name, command)]. Raises Missing."""
    bearerbox, smsbox = programs()
    given = section("kannel")
    operators, port = list(given.get("smsc", [])), int(given.get("port", PORT))
    for operator in operators:
        if lacking := [key for key in ("id", "host", "system_id") if not operator.get(key)]:
            raise Missing(f"[[kannel.smsc]] in town.toml: {', '.join(lacking)}?")
    folder = places.home() / "kannel"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / "kannel.conf"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)  # there are passwords in it
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        out.write(configuration(folder, here, port=port, operators=operators))
    url = f"http://127.0.0.1:{port + 13}/cgi-bin/sendsms"
    wanted = operators or [{"id": "demo", "throughput": 100}]
    for operator in wanted:
        route, made = Route.objects.get_or_create(
            slug=f"kannel-{operator['id']}",
            defaults={
                "kind": "kannel",
                "prefixes": list(operator.get("prefixes", [])),
                "rate": operator.get("throughput", 10),
                "price": operator.get("price", 0),
            },
        )
        said = {"url": url, "smsc": str(operator["id"]), "sender": str(operator.get("sender", ""))}
        if made or any(route.settings.get(key) != value for key, value in said.items()):
            route.settings = {**route.settings, **said}
            route.save(update_fields=["settings"])
    return [("bearerbox", [bearerbox, "-v", "4", str(file)]), ("smsbox", [smsbox, "-v", "4", str(file)])]
