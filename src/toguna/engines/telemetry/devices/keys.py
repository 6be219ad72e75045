"""Keys of devices: made from the town's secret, the device's code and the number of the key, so that none is stored. A new
number makes the old key worthless.

A signed message is its text, a line end, and the HMAC-SHA256 of the text with the key, in hexadecimal: the same over MQTT, HTTP
and SMS (where the first 16 figures are enough).
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from toguna.kernel import secret

NETWORK = "toguna lorawan"  # no device can be called so
SHORT = 16  # figures of a signature in an SMS: 64 bits


def key(code: str, number: int) -> str:
    """32 letters and figures: the password for MQTT and HTTP, and the key of signatures."""
    made = hmac.digest(secret.key().encode(), f"telemetry\0{code}\0{number}".encode(), "sha256")
    return base64.b32encode(made[:20]).decode().lower()


def collector() -> str:
    """The password of our own collector at the broker."""
    return key("toguna collector", 0)


def network(number: int) -> str:
    """The secret that LoRaWAN network servers show: they speak for any of their devices."""
    return key(NETWORK, number)


def fits(given: str, code: str, number: int) -> bool:
    return hmac.compare_digest(given.encode(), key(code, number).encode())


def sign(text: bytes, of: str) -> str:
    return hmac.new(of.encode(), text, hashlib.sha256).hexdigest()


def split(message: bytes) -> tuple[bytes, str]:
    """(text, signature) of a signed message; the signature is "" when there is none."""
    text, found, last = message.rstrip(b"\r\n ").rpartition(b"\n")
    last = last.strip().lower()
    if found and len(last) in (SHORT, 64) and all(c in b"0123456789abcdef" for c in last):
        return text.rstrip(b"\r"), last.decode()
    return message, ""


def signature_fits(text: bytes, given: str, code: str, number: int) -> bool:
    if len(given) not in (SHORT, 64):
        return False
    # As bytes: a header may hold any letter, and text that is not ASCII cannot be compared.
    return hmac.compare_digest(sign(text, key(code, number))[: len(given)].encode(), given.lower().encode())
