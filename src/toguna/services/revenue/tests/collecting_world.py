"""A collector with a device, as tests of collecting need one."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from toguna.engines.ledger import api as ledger
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in
from toguna.kernel.access import SYSTEM
from toguna.services.revenue.collecting import setting_up
from toguna.services.revenue.models import Collector


class Phone:
    """A device with a collector's browser: it makes records as the app does, and sends them when told to."""

    def __init__(self, zone: int | None = None, *, role: str = "agent", most: int = 0) -> None:
        self.account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Moussa Keïta",
            grants=[(role, "revenue", zone), (role, "ledger", None)],
        )  # fmt: skip
        self.collector: Collector = setting_up.make(self.account.pk, setting_up.Terms(zone, most=most), by=SYSTEM)
        self.client = Client(headers={"accept-language": "en"})
        sign_in(self.client, self.account)
        self.device, self.seq, self.used = str(uuid.uuid4()), 0, 0
        self.day: dict[str, Any] = {}

    def load(self, device: str = "") -> dict[str, Any]:
        answer = self.client.get("/collect/day", {"device": device or self.device, "label": "Test"})
        assert answer.status_code == 200, answer.content
        self.day = answer.json()
        return self.day

    def record(self, kind: str, **more: Any) -> dict[str, Any]:
        self.seq += 1
        return {"id": str(uuid.uuid4()), "kind": kind, "seq": self.seq, "at": timezone.now().isoformat(), **more}

    def pay(self, amount: int, *, number: int | None = None, **more: Any) -> dict[str, Any]:
        block = self.day["blocks"][-1]
        if number is None:
            number, self.used = block["next"] + self.used, self.used + 1
        said = ledger.proof(block["secret"], number, amount, self.day["currency"])
        return self.record("pay", amount=amount, number=number, block=block["id"], proof=said, **more)

    def send(self, *rows: Mapping[str, Any], now: datetime | None = None, status: int = 200, **more: Any) -> Any:
        clock = (now or timezone.now()).isoformat()
        body = {"account": self.account.pk, "device": self.device, "now": clock, "records": list(rows), **more}
        answer = self.client.post("/collect/sync", json.dumps(body), content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json()["results"] if status == 200 else answer.json()

    def place(self, code: str) -> list[Any]:
        return next(one for one in self.day["places"] if one[0] == code)
