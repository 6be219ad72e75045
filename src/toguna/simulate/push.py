"""A browser and its push service: takes notices as RFC 8030 says, checks who sends them (RFC 8292) and decrypts them (RFC 8291),
written from the RFCs apart from what the town sends with."""

from __future__ import annotations

import base64
import json
import os
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from toguna.simulate.frame import Asked, Company, Reply


def pack(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpack(given: str) -> bytes:
    return base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))


def _hmac(key: bytes, data: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SHA256())
    made.update(data)
    return made.finalize()


class Browser:
    """Its keys; `subscription` is what it gives the page."""

    def __init__(self, endpoint: str, *, key: ec.EllipticCurvePrivateKey | None = None, auth: bytes = b"") -> None:
        self.endpoint, self.auth = endpoint, auth or os.urandom(16)
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def subscription(self) -> dict[str, str]:
        return {"endpoint": self.endpoint, "p256dh": pack(self.public), "auth": pack(self.auth)}

    def decrypt(self, body: bytes) -> bytes:
        salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, sealed = body[21 : 21 + length], body[21 + length :]
        if len(sealed) > size:
            raise ValueError("more than one record")
        shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        secret = _hmac(_hmac(self.auth, shared), b"WebPush: info\x00" + self.public + sender + b"\x01")
        first = _hmac(salt, secret)
        key = _hmac(first, b"Content-Encoding: aes128gcm\x00\x01")[:16]
        nonce = _hmac(first, b"Content-Encoding: nonce\x00\x01")[:12]
        return AESGCM(key).decrypt(nonce, sealed, None).rstrip(b"\x00").removesuffix(b"\x02")


class PushService(Company):
    name = "push"
    port = 9304

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.browsers: dict[str, Browser] = {}
        self.gone: set[str] = set()

    def browser(self) -> Browser:
        path = f"/push/{len(self.browsers) + 1}"
        self.browsers[path] = Browser(f"{self.url}{path}")
        return self.browsers[path]

    def too_busy(self) -> Reply:
        return Reply(429, b"slow down", {"Retry-After": "11"})

    def reply(self, asked: Asked) -> Reply:
        browser = self.browsers.get(asked.path)
        if browser is None:
            return Reply(404, b"no such subscription")
        if asked.path in self.gone:
            return Reply(410, b"the user unsubscribed")
        if not asked.headers.get("ttl", "").isdigit() or asked.headers.get("content-encoding") != "aes128gcm":
            return Reply(400, b"TTL and aes128gcm are needed")
        if len(asked.body) > 4096:
            return Reply(413, b"too large")
        if not self._genuine(asked.headers.get("authorization", "")):
            return Reply(403, b"VAPID")
        said = json.loads(browser.decrypt(asked.body))
        self.sent.append(
            {"to": asked.path, **said, "topic": asked.headers.get("topic"), "urgency": asked.headers.get("urgency")}
        )
        return Reply(201, b"", {"Location": f"{self.url}/message/{len(self.sent)}"})

    def _genuine(self, given: str) -> bool:
        if not given.startswith("vapid "):
            return False
        fields = dict(part.strip().split("=", 1) for part in given.removeprefix("vapid ").split(","))
        head, claims, mark = fields["t"].split(".")
        said = json.loads(unpack(claims))
        if said["aud"] != self.url or not time.time() < said["exp"] < time.time() + 86_400 or not said["sub"]:
            return False
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unpack(fields["k"]))
        raw = unpack(mark)
        signature = utils.encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            key.verify(signature, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True
