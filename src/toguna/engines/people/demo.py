"""The demo town's residents, teams and staff, from the generator's files."""

from __future__ import annotations

import base64
import csv
import hashlib
from pathlib import Path
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import encrypt
from django.contrib.auth.hashers import make_password
from django.db import connection, transaction
from django.utils.text import slugify

from toguna.engines.people.models import Account, Contact, GrantRow, Person, Team
from toguna.engines.territory import api as territory
from toguna.kernel.demo import DemoFiles


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def totp_secret(email: str) -> str:
    """The second factor of a demo account: the demo's log-in page shows its code, so it need not be secret."""
    return base64.b32encode(hashlib.sha256(f"demo {email}".encode()).digest()[:20]).decode()


@transaction.atomic
def load(files: DemoFiles) -> None:
    """Idempotent: what is there already stays."""
    folder = files.folder
    zones = {z.names[""]: z.id for z in territory.zones()}
    teams: dict[str, Team] = {}
    there = {team.names.get("fr"): team for team in Team.objects.order_by("-pk")}  # services bring teams of their own
    for row in rows(folder / "teams.csv"):
        team = there.get(row["name"]) or Team.objects.create(slug=slugify(row["name"])[:60], names={"fr": row["name"]})
        team.zones.set([zones[n] for n in row["zones"].split(";") if n in zones])
        teams[row["name"]] = team
    password = make_password(files.password or None)  # once: hashing is meant to be slow
    for row in rows(folder / "staff.csv"):
        account, made = Account.objects.get_or_create(
            email=row["email"], defaults={"name": row["name"], "is_team": True, "language": "fr", "password": password}
        )
        if not made:
            continue
        if row["role"] == "administrator":
            Account.objects.filter(pk=account.pk).update(is_staff=True, is_superuser=True)
        GrantRow.objects.create(account=account, role=row["role"], zone_id=zones.get(row["zone"]))
        if row["team"] in teams:
            teams[row["team"]].members.add(account)
        data: dict[str, Any] = {"secret": encrypt(totp_secret(row["email"]))}
        Authenticator.objects.create(user=account, type=Authenticator.Type.TOTP, data=data)
    if not Contact.objects.filter(kind="phone").exists():
        _residents(rows(folder / "residents.csv"))


def _residents(residents: list[dict[str, str]]) -> None:
    people = Person.objects.bulk_create(
        [Person(name=r["name"], language=r["language"]) for r in residents], batch_size=5000
    )
    with connection.cursor() as cursor, cursor.copy("COPY people_contact (person_id, kind, value) FROM STDIN") as copy:
        for person, row in zip(people, residents, strict=True):
            copy.write_row((person.pk, "phone", row["phone"]))
