"""SMS through a GSM modem or an old phone, with gammu-smsd (`service = files`): a file a message in its outbox, moved by it
to `sent` or `error`; what comes in is a file in its inbox. https://docs.gammu.org/smsd/files.html"""

from __future__ import annotations

import re
import time
from pathlib import Path

from django.utils.translation import gettext_lazy as _

from toguna.engines.channels import incoming
from toguna.engines.channels.gateway import reports
from toguna.engines.channels.gateway.media import Busy, Medium, Outgoing, Sent, Setting, Unsendable
from toguna.engines.channels.models import Route

WAITING = 50  # files: a modem sends one every few seconds, and an alarm must not wait behind hundreds
_NAME = re.compile(r"^IN(\d{8})_(\d{6})_\d+_(.+)_(\d+)\.txt$")
_OURS = re.compile(r"toguna(\d+)")


def deliver(message: Outgoing) -> Sent:
    """Writes the file whole, then gives it its name: gammu-smsd never reads half of one. The letter after OUT is its
    priority, A first."""
    if re.fullmatch(r"\+?\d{3,20}", message.address) is None:  # it becomes a part of the file's name
        raise Unsendable("this is no phone number")
    spool = Path(str(message.settings["folder"])) / "outbox"
    try:
        if sum(1 for _file in spool.glob("OUT*")) >= WAITING and message.lane < 75:
            raise Busy("the modem has enough to do", after=5, route_down=False)
        urgency = "A" if message.lane >= 75 else "C" if message.lane >= 50 else "F"
        now = time.strftime("%Y%m%d_%H%M%S")
        plain = spool / f".toguna{message.id}.part"
        target = spool / f"OUT{urgency}{now}_00_{message.address}_toguna{message.id}.txtd"
        # Without a mark of its own, gammu-smsd reads a .txt as the locale's text; UTF-16 with a mark is always understood.
        plain.write_bytes(b"\xff\xfe" + message.text.encode("utf-16-le"))
        plain.replace(target)
    except OSError as error:
        raise Busy(f"{spool}: {error.strerror}") from error
    return Sent(f"toguna{message.id}")


def look() -> None:
    """What the modem has received or sent since: run every few seconds by the worker."""
    for route in Route.objects.filter(kind="modem", enabled=True):
        folder = Path(str(route.settings.get("folder", "")))
        for state, said in (("sent", "taken"), ("error", "failed")):
            for file in sorted((folder / state).glob("OUT*toguna*")):
                if found := _OURS.search(file.name):
                    reports.report(
                        int(found[1]), "failed" if said == "failed" else "taken", "the modem could not send it"
                    )
                    file.unlink(missing_ok=True)
        _receive(route, folder / "inbox")


def _receive(route: Route, inbox: Path) -> None:
    """Parts of one long message are files with the same time and number; they are one message."""
    whole: dict[tuple[str, str, str], list[Path]] = {}
    for file in sorted(inbox.glob("IN*.txt")):
        if found := _NAME.match(file.name):
            whole.setdefault((found[1], found[2], found[3]), []).append(file)
    for (day, hour, sender), files in whole.items():
        text = "".join(_text(file.read_bytes()) for file in files)
        incoming.receive(
            "sms",
            sender,
            text,
            reference=f"modem:{route.pk}:{files[0].name}",
            route=route.pk,
            raw={"at": f"{day}{hour}"},
        )
        for file in files:
            file.unlink(missing_ok=True)


def _text(data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace")


MODEM = Medium(
    "modem",
    deliver,
    medium="sms",
    title=_("Modem or phone, through gammu-smsd"),
    settings=(Setting("folder", _("Folder of gammu-smsd, in which inbox, outbox, sent and error are")),),
    connections=1,
)
