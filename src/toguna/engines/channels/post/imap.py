"""Letters from a mailbox elsewhere, where the town has no mail server of its own: looked at each minute, over IMAP.

A letter is marked as read only after it is kept; one that is met again is known by its Message-ID.
"""

from __future__ import annotations

import imaplib
import logging
import ssl
from typing import Any

from django.db import connection

from toguna.engines.channels.post import letters
from toguna.engines.channels.post.mail_in import take
from toguna.engines.channels.settings import section

log = logging.getLogger("toguna.channels")

AT_ONCE = 200
WAITS = 30  # seconds
_LOCK = 7_240_311  # one poll at a time in the whole town


def poll() -> int:
    """Takes the unread letters of the mailbox in [mail_in] of town.toml; returns how many. Raises imaplib.IMAP4.error and
    OSError when the mailbox does not answer: the next minute tries again."""
    given = section("mail_in")
    if not given.get("imap"):
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        try:
            return _poll(given)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])


def _poll(given: dict[str, Any]) -> int:
    box: imaplib.IMAP4
    if given.get("ssl", True):
        box = imaplib.IMAP4_SSL(
            given["imap"], int(given.get("port", 993)), ssl_context=ssl.create_default_context(), timeout=WAITS
        )
    else:
        box = imaplib.IMAP4(given["imap"], int(given.get("port", 143)), timeout=WAITS)
    taken = 0
    with box:
        box.login(given.get("username", ""), given.get("password", ""))
        _fine(box.select(f'"{given.get("folder", "INBOX")}"'))
        found = _fine(box.uid("SEARCH", "UNSEEN"))  # not charset: servers differ
        for number in (found[0] or b"").split()[:AT_ONCE]:
            uid = number.decode("ascii")
            size = b" ".join(p for p in _fine(box.uid("FETCH", uid, "(RFC822.SIZE)")) if isinstance(p, bytes))
            digits = size.partition(b"RFC822.SIZE")[2].strip(b" )").split(b" ")[0]
            if digits.isdigit() and int(digits) > letters.LARGEST:
                log.warning("letter %s in the mailbox is too large and stays there, flagged", uid)
                box.uid("STORE", uid, "+FLAGS", r"(\Seen \Flagged)")
                continue
            raw = next((p[1] for p in _fine(box.uid("FETCH", uid, "(BODY.PEEK[])")) if isinstance(p, tuple)), None)
            if raw is not None:
                take(raw)
                box.uid("STORE", uid, "+FLAGS", r"(\Seen)")
                taken += 1
    return taken


def poll_quietly() -> None:
    """For the clock: a mailbox that is away is said once in the log, and tried again."""
    try:
        poll()
    except (OSError, imaplib.IMAP4.error) as error:
        log.warning("the mailbox of [mail_in] does not answer: %s", error)


def _fine(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, found = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(str(found)[:200])
    return found
