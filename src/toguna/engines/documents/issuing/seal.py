"""The town's seal: the key that signs its PDFs (PAdES), and the one that signs what their QR says (Ed25519).

Both stand in `seal/` of the home folder, made the first time they are needed and encrypted with the town's secret; neither is
ever in the database. A backup must hold `seal/` and the secret: without them old papers stay valid, new ones need a new key.
A certificate bought from an authority is put in with `bring()`.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, cast

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.utils.translation import gettext as _

from toguna.kernel import places, secret, town
from toguna.kernel.heavy import Heavy

signers = Heavy("pyhanko.sign.signers")
sign_fields = Heavy("pyhanko.sign.fields")
writing = Heavy("pyhanko.pdf_utils.incremental_writer")
stamping = Heavy("pyhanko.sign.timestamps")

ROOM = 12_288  # bytes kept in the PDF for a signature with its certificates, and a time stamp
_YEARS = 20


class BadSeal(ValueError):
    """The town's key cannot be read; str() says what to do."""


def folder() -> Path:
    return places.home() / "seal"


def _lock() -> bytes:
    return hmac.new(secret.key().encode(), b"toguna seal", hashlib.sha256).hexdigest().encode()


@contextmanager
def _alone() -> Iterator[None]:
    """One process at a time makes keys: two would sign with two."""
    folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _keep(path: Path, content: bytes) -> None:
    temporary = path.with_suffix(".tmp")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _made(path: Path, make: Any) -> bytes:
    if not path.exists():
        with _alone():
            if not path.exists():
                _keep(path, make())
    return path.read_bytes()


def _certificates() -> bytes:
    """A root of the town's own and a signer under it, ECDSA P-256, as PKCS#12."""
    start = datetime.now(UTC) - timedelta(days=1)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = town.current().name[:64]

    def called(common: str) -> x509.Name:
        return x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, name), x509.NameAttribute(NameOID.COMMON_NAME, common[:64])]
        )

    def usage(*, root: bool) -> x509.KeyUsage:
        return x509.KeyUsage(not root, not root, False, False, False, root, root, False, False)

    def builder(subject: x509.Name, public: Any, *, root: bool) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(called(f"{name} – root"))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(start + timedelta(days=365 * _YEARS))
            .add_extension(x509.BasicConstraints(ca=root, path_length=0 if root else None), critical=True)
            .add_extension(usage(root=root), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        )

    root = builder(called(f"{name} – root"), root_key.public_key(), root=True).sign(root_key, hashes.SHA256())
    signer = builder(called(name), key.public_key(), root=False).sign(root_key, hashes.SHA256())
    # The root's key is not kept: it signs this one certificate, and nobody can make another in the town's name with it.
    return pkcs12.serialize_key_and_certificates(
        b"toguna", key, signer, [root], serialization.BestAvailableEncryption(_lock())
    )


def bring(raw: bytes, passphrase: str) -> None:
    """Signs with the town's own certificate from now on: a PKCS#12 file of its authority. Raises BadSeal."""
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(raw, passphrase.encode() or None)
    except ValueError as error:
        raise BadSeal(_("This is no PKCS#12 file, or its password is another one.")) from error
    if key is None or certificate is None:
        raise BadSeal(_("The file lacks the key or the certificate. Export both together."))
    if certificate.not_valid_after_utc < datetime.now(UTC):
        raise BadSeal(_("This certificate has expired. Ask the authority for a new one."))
    whole = pkcs12.serialize_key_and_certificates(
        b"toguna", cast(Any, key), certificate, others, serialization.BestAvailableEncryption(_lock())
    )
    with _alone():
        _keep(folder() / "signer.p12", whole)


@dataclass(frozen=True)
class _Stamped:
    path: str
    modified: int


@cache
def _signer(which: _Stamped) -> Any:
    """Read once by each process: the key derivation that guards the file costs more than a signature."""
    found = signers.SimpleSigner.load_pkcs12(which.path, passphrase=_lock())
    if found is None:
        raise BadSeal(
            _("The town's key cannot be opened with its secret. Put back `seal` and `secret` from one backup.")
        )
    return found


def signer() -> Any:
    """pyHanko's signer with the town's certificate."""
    path = folder() / "signer.p12"
    _made(path, _certificates)
    return _signer(_Stamped(str(path), path.stat().st_mtime_ns))


@cache
def _stamper(url: str) -> Any:
    return stamping.HTTPTimeStamper(url, timeout=5)


def sign(pdf: bytes, *, reason: str, name: str) -> bytes:
    """The PDF signed, PAdES B-B, or B-T where TOGUNA_TSA names a time-stamp server; certified: any change shows."""
    url = os.environ.get("TOGUNA_TSA", "")
    about = signers.PdfSignatureMetadata(
        field_name="Town",
        md_algorithm="sha256",
        subfilter=sign_fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=sign_fields.MDPPerm.NO_CHANGES,
        reason=reason,
        name=name,
        location=town.current().name,
    )
    out = writing.IncrementalPdfFileWriter(io.BytesIO(pdf))
    signed = signers.sign_pdf(
        out, about, signer=signer(), timestamper=_stamper(url) if url else None, bytes_reserved=ROOM * 2
    )
    return bytes(signed.getvalue())


def _fresh() -> bytes:
    return Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(_lock()),
    )


@cache
def _qr_key(which: _Stamped) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(Path(which.path).read_bytes(), _lock())
    except ValueError as error:
        raise BadSeal(
            _("The town's key cannot be opened with its secret. Put back `seal` and `secret` from one backup.")
        ) from error
    assert isinstance(key, Ed25519PrivateKey)
    return key


def _key() -> Ed25519PrivateKey:
    path = folder() / "qr.pem"
    _made(path, _fresh)
    return _qr_key(_Stamped(str(path), path.stat().st_mtime_ns))


def public_key() -> bytes:
    """PEM: with it anyone checks a QR with no network."""
    return _key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def told(facts: list[str]) -> str:
    """What the QR says, and its signature: "<facts>.<signature>", base64url of a JSON list and of 64 bytes."""
    said = json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()
    return f"{_b64(said)}.{_b64(_key().sign(said))}"


def heard(said: str, public: bytes | None = None) -> list[str] | None:
    """The facts, when the town signed them; None for anything else. public: PEM, the town's own by default."""
    body, dot, signature = said.partition(".")
    if not dot or len(said) > 2000:
        return None
    try:
        key = serialization.load_pem_public_key(public or public_key())
        raw = _unb64(body)
        assert isinstance(key, Ed25519PublicKey)
        key.verify(_unb64(signature), raw)
        facts = json.loads(raw)
    except (ValueError, InvalidSignature):
        return None
    return [str(fact) for fact in facts] if isinstance(facts, list) else None


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(said: str) -> bytes:
    return base64.b64decode(said.encode("ascii") + b"=" * (-len(said) % 4), altchars=b"-_", validate=True)
