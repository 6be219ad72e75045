"""What the QR of a receipt says, signed by the town (Ed25519), so that anyone checks it with no network.

"T1.<facts>.<signature>": base64url of a JSON list [key, number, day, amount, currency, payer] and of the 64 bytes that sign
"T1.<facts>". The keys stand in `seal/` of the home folder, one file `receipts-*.pem` each, encrypted with the town's secret:
the last by name signs, all are published, so that a key is replaced by adding a file and receipts of the old one stay good.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import json
import os
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.utils.translation import gettext as _

from toguna.kernel import places, secret

LONGEST = 1000
_MARK = "T1"


class BadKey(ValueError):
    """The key of receipts cannot be read; str() says what to do."""


@dataclass(frozen=True)
class Facts:
    """What the town signed. amount: minor units; payer: masked, may be empty."""

    number: str
    day: date
    amount: int
    currency: str
    payer: str


def _lock() -> bytes:
    return hmac.new(secret.key().encode(), b"toguna receipts", hashlib.sha256).hexdigest().encode()


def _files() -> list[Path]:
    folder = places.home() / "seal"
    found = sorted(folder.glob("receipts-*.pem"))
    if found:
        return found
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:  # two processes would sign with two keys
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not list(folder.glob("receipts-*.pem")):
            _new(folder)
    return sorted(folder.glob("receipts-*.pem"))


def _new(folder: Path) -> None:
    raw = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(_lock())
    )
    temporary = folder / "receipts.tmp"
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(raw)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(folder / f"receipts-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.pem")


def renew() -> None:
    """Signs with a fresh key from now on; what the old ones signed stays good."""
    before = _files()[0].parent
    with (before / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _new(before)


@cache
def _private(path: str) -> Ed25519PrivateKey:
    """Read once by each process: opening the file costs a hundred times a signature."""
    try:
        key = serialization.load_pem_private_key(Path(path).read_bytes(), _lock())
    except ValueError as error:
        raise BadKey(
            _("The town's key cannot be opened with its secret. Put back `seal` and `secret` from one backup.")
        ) from error
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _public(path: Path) -> bytes:
    return _private(str(path)).public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _called(public: bytes) -> str:
    return hashlib.sha256(public).hexdigest()[:4]


def public_keys() -> dict[str, str]:
    """{name of the key: its 32 bytes as base64url}, the oldest first."""
    return {_called(raw): _b64(raw) for raw in map(_public, _files())}


def signed(facts: Facts) -> str:
    """What the QR says."""
    path = _files()[-1]
    listed = [_called(_public(path)), facts.number, facts.day.isoformat(), facts.amount, facts.currency, facts.payer]
    body = f"{_MARK}.{_b64(json.dumps(listed, ensure_ascii=False, separators=(',', ':')).encode())}"
    return f"{body}.{_b64(_private(str(path)).sign(body.encode()))}"


def heard(said: str, keys: dict[str, str] | None = None) -> Facts | None:
    """The facts when the town signed them, None for anything else. said: the words of the QR, or the address that bears
    them. keys: those of `public_keys()`, the town's own by default."""
    said = said.strip()[: LONGEST + 1].rpartition("#")[2].rpartition("?s=")[2]
    mark, _dot, rest = said.partition(".")
    facts, dot, signature = rest.partition(".")
    if mark != _MARK or not dot or len(said) > LONGEST:
        return None
    try:
        name, number, day, amount, currency, payer = json.loads(_unb64(facts))
        raw = _unb64((public_keys() if keys is None else keys).get(str(name), ""))
        Ed25519PublicKey.from_public_bytes(raw).verify(_unb64(signature), f"{mark}.{facts}".encode())
        return Facts(str(number), date.fromisoformat(day), int(amount), str(currency), str(payer))
    except (ValueError, TypeError, InvalidSignature, RecursionError):
        return None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(said: str) -> bytes:
    """Of one spelling only: another of the same bytes is not what was signed. Raises ValueError."""
    raw = base64.b64decode(said.encode("ascii") + b"=" * (-len(said) % 4), altchars=b"-_", validate=True)
    if _b64(raw) != said:
        raise ValueError(said)
    return raw
