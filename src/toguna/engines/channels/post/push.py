"""Notices in a browser while the page is closed: Web Push (RFC 8030), encrypted for the browser alone (RFC 8291), from a town that
proves who it is (VAPID, RFC 8292).

On `cryptography` itself, in some sixty lines: pywebpush brings an HTTP client and py-vapid brings files of its own for the same
three primitives. The town's key is made once, in the home folder; losing it means that every browser must be asked again.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core import signing
from django.utils import timezone

from toguna.engines.channels.gateway.media import Busy, Doubtful, Medium, Outgoing, Sent, Unsendable
from toguna.engines.channels.models import PushEndpoint
from toguna.engines.channels.post import wire
from toguna.engines.channels.post.reading import reading
from toguna.engines.channels.sending import send
from toguna.engines.channels.settings import mail, section
from toguna.kernel import places
from toguna.kernel.tasks import Lane

KEPT = 86_400  # seconds that the other side keeps it for a browser that is off
LONGEST = 3000  # bytes of a notice; services take 4096 once it is encrypted
# Browsers name their own service: nothing else is called, whatever a page sends. [push] hosts in town.toml adds some.
SERVICES = (
    "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com", ".push.apple.com", ".notify.windows.com",
)  # fmt: skip
_SALT = "channels.push"


class NotABrowser(ValueError):
    """What was sent is no subscription of a browser that we could write to."""


def _pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpack(given: str) -> bytes:
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


def _raw(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def _file() -> Path:
    return places.home() / "push.pem"


def town_key() -> ec.EllipticCurvePrivateKey:
    """The town's own, made when it is first asked for."""
    if not _file().exists():
        made = ec.generate_private_key(ec.SECP256R1())
        pem = made.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        temporary = _file().with_suffix(f".{os.getpid()}")
        temporary.touch(0o600)
        with temporary.open("wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(temporary, _file())  # the first of several processes wins
        temporary.unlink()
    key = serialization.load_pem_private_key(_file().read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InvalidKey(f"{_file()} is no key of this kind")
    return key


def public_key() -> str:
    """What a page gives the browser as applicationServerKey."""
    return _pack(_raw(town_key().public_key()))


def _derive(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def encrypt(
    words: bytes, browser: bytes, auth: bytes, *, own: ec.EllipticCurvePrivateKey | None = None, salt: bytes = b""
) -> bytes:
    """The body of a notice (RFC 8291 § 4, RFC 8188). browser: its public point, 65 bytes; auth: its secret, 16 bytes. own and
    salt are new for each notice; they are given only to check the example of the RFC."""
    own, salt = own or ec.generate_private_key(ec.SECP256R1()), salt or os.urandom(16)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), browser)
    mine = _raw(own.public_key())
    secret = _derive(own.exchange(ec.ECDH(), theirs), auth, b"WebPush: info\0" + browser + mine, 32)
    key = _derive(secret, salt, b"Content-Encoding: aes128gcm\0", 16)
    nonce = _derive(secret, salt, b"Content-Encoding: nonce\0", 12)
    head = salt + (4096).to_bytes(4, "big") + bytes([len(mine)]) + mine
    return head + AESGCM(key).encrypt(nonce, words + b"\x02", None)


def vapid(endpoint: str, *, now: float | None = None) -> str:
    """The Authorization header: a JWT signed by the town's key, for this service, good for twelve hours."""
    parts = urlsplit(endpoint)
    contact = (mail() or {}).get("from")
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int(now or time.time()) + 12 * 3600,
        "sub": f"mailto:{contact}" if contact else settings.TOGUNA_URL,
    }
    head = _pack(json.dumps({"typ": "JWT", "alg": "ES256"}).encode())
    signed = f"{head}.{_pack(json.dumps(claims).encode())}"
    key = town_key()
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    mark = _pack(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={signed}.{mark}, k={_pack(_raw(key.public_key()))}"


def checked(endpoint: str, browser: str, auth: str) -> dict[str, str]:
    """The keys of a subscription as they are kept. Raises NotABrowser."""
    parts = urlsplit(endpoint[:501])
    host = parts.hostname or ""
    own = [str(h) for h in section("push").get("hosts", [])]
    known = any(host == s or (s.startswith(".") and host.endswith(s)) for s in SERVICES)
    if len(endpoint) > 500 or not ((known and parts.scheme == "https") or parts.netloc in own):
        raise NotABrowser("no push service that is known")
    try:
        point, secret = _unpack(browser[:200]), _unpack(auth[:200])
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    except ValueError as error:
        raise NotABrowser("no keys of a browser") from error
    if len(secret) != 16 or len(point) != 65:
        raise NotABrowser("no keys of a browser")
    return {"p256dh": _pack(point), "auth": _pack(secret)}


_LINK = re.compile(r"https?://\S+")


def deliver(message: Outgoing) -> Sent:
    """One notice. The address of a message is the number of the PushEndpoint."""
    with reading():
        row = PushEndpoint.objects.filter(pk=int(message.address), gone=None).first()
    if row is None:
        raise Unsendable("the browser has ended its subscription")
    link = _LINK.search(message.text)
    url = link.group() if link else f"{settings.TOGUNA_URL}/p/{message.publication}" if message.publication else ""
    said = {"title": message.subject, "body": " ".join(_LINK.sub("", message.text).split()), "url": url}
    words = json.dumps(said, ensure_ascii=False).encode()
    if len(words) > LONGEST:
        said["body"] = said["body"][: LONGEST // 4]  # characters of four bytes at most
        words = json.dumps(said, ensure_ascii=False).encode()
    headers = {
        "Authorization": vapid(row.endpoint),
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(KEPT),
        "Urgency": "high" if message.lane >= Lane.ALARM else "normal",
        "Topic": hashlib.sha256(message.key.encode()).hexdigest()[:32],  # a second one takes the place of the first
    }
    body = encrypt(words, _unpack(row.keys["p256dh"]), _unpack(row.keys["auth"]))
    try:
        answer = wire.call("POST", row.endpoint, body=body, headers=headers)
    except Doubtful as error:  # sent again it takes the place of the first
        raise Busy(str(error), route_down=False) from error
    if answer.status in (404, 410):
        with reading():
            PushEndpoint.objects.filter(pk=row.pk).update(gone=timezone.now())
        raise Unsendable("the browser has ended its subscription")
    if answer.status < 300:
        return Sent(reference=answer.headers.get("location", "")[-120:])
    words_of = f"{answer.status}: {answer.body[:200].decode(errors='replace')}"
    if answer.status == 429 or answer.status >= 500:
        raise Busy(words_of, after=answer.after, route_down=False)
    raise Unsendable(words_of)


def notify(person: int, *, key: str, text: str, subject: str) -> None:
    """Asks for a notice in each browser in which this person wanted them, in the caller's transaction."""
    for pk, language in PushEndpoint.objects.filter(person=person, gone=None).values_list("pk", "language"):
        send("push", str(pk), key=f"{key}:push:{pk}", text=text, subject=subject, language=language, person=person)


def offer(person: int | None = None) -> dict[str, str]:
    """What the template channels/push.html needs as `push`: the town's key; and a token that makes the browser hear of what is
    this person's, for pages that only they may open."""
    return {"key": public_key(), "token": token_for(person) if person is not None else ""}


def token_for(person: int) -> str:
    """What a page that somebody alone may open gives their browser, so that it hears of what is theirs."""
    return signing.dumps(person, salt=_SALT)


def person_of(token: str) -> int | None:
    try:
        return int(signing.loads(token, salt=_SALT, max_age=86_400))
    except (signing.BadSignature, ValueError, TypeError):
        return None


def export(person: int) -> Iterator[dict[str, str]]:
    """What is kept of a person's browsers."""
    for row in PushEndpoint.objects.filter(person=person):
        yield {"service": urlsplit(row.endpoint).netloc, "since": row.created.isoformat()}


PUSH = Medium("push", deliver, alone=True)
