"""A Mastodon server, for one account: POST /api/v1/statuses with its Idempotency-Key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from toguna.simulate.frame import Asked, Company, Reply


class Mastodon(Company):
    """Options: token."""

    name = "mastodon"
    port = 9305
    TOKEN = "token"  # noqa: S105

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.keys: dict[str, dict[str, Any]] = {}

    def too_busy(self) -> Reply:
        until = (datetime.now(UTC) + timedelta(seconds=120)).isoformat().replace("+00:00", "Z")
        return Reply.of({"error": "Too many requests"}, 429, **{"X-RateLimit-Reset": until})

    def reply(self, asked: Asked) -> Reply:
        if asked.headers.get("authorization") != f"Bearer {self.options.get('token', self.TOKEN)}":
            return Reply.of({"error": "The access token is invalid"}, 401)
        if (asked.method, asked.path) != ("POST", "/api/v1/statuses"):
            return Reply.of({"error": "Record not found"}, 404)
        key, given = asked.headers.get("idempotency-key", ""), asked.json()
        with self.lock:
            if key and key in self.keys:
                return Reply.of(self.keys[key])
            if not given["status"] or len(given["status"]) > 500:
                return Reply.of({"error": "Validation failed: Text character limit of 500 exceeded"}, 422)
            number = str(len(self.sent) + 1)
            made = {
                "id": number,
                "url": f"{self.url}/@town/{number}",
                "content": given["status"],
                "language": given["language"],
            }
            self.sent.append(made)
            if key:
                self.keys[key] = made
        return Reply.of(made)
