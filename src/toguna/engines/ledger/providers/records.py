"""What was said, kept word for word, as evidence: cut at a size, and without our keys."""

from __future__ import annotations

from collections.abc import Iterable

from toguna.engines.ledger.models.providers import PaymentRequest, RawBody
from toguna.engines.ledger.providers.http import Exchange
from toguna.engines.ledger.providers.ways import Way, hidden

MOST = 20_000  # characters of a body
STRIPPED = "•••"


def keep(way: Way, request: PaymentRequest | None, said: Iterable[Exchange]) -> None:
    """What we said and what was answered."""
    rows = [
        RawBody(
            request=request,
            way=way.slug,
            inward=False,
            line=f"{one.line} {one.status or ''}".strip()[:200],
            body=strip(way, one.sent),
            answer=strip(way, one.answered),
        )
        for one in said
    ]
    RawBody.objects.bulk_create(rows)


def keep_call(way: Way, request: PaymentRequest | None, line: str, body: bytes, genuine: bool | None) -> None:
    """What we were told."""
    RawBody.objects.create(
        request=request, way=way.slug, inward=True, line=line[:200], body=strip(way, body), genuine=genuine
    )


def strip(way: Way, body: bytes) -> str:
    text = body[: MOST * 4].decode(errors="replace").replace("\x00", "")
    for secret in hidden(way):
        text = text.replace(secret, STRIPPED)
    return text[:MOST]
