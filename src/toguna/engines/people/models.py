"""Persons, how they are reached, the accounts with which they log in, teams, and who may do what."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from toguna.kernel.text import WordsField


class Person(models.Model):
    """Somebody whom the town serves. Erasing a person empties this row and keeps it, so that what points at it holds."""

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=8, blank=True)
    zone = models.ForeignKey(
        "territory.Zone", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # home
    seen = models.DateTimeField(null=True, blank=True)  # when they last wrote, called or logged in
    created = models.DateTimeField(db_default=Now())
    erased = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "people_person"

    def __str__(self) -> str:
        return self.name or f"#{self.pk}"


class Contact(models.Model):
    """A phone (E.164) or an e-mail (lower case). Several persons may share one phone."""

    class Kind(models.TextChoices):
        PHONE = "phone"
        EMAIL = "email"

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="contacts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    value = models.CharField(max_length=254)
    verified = models.DateTimeField(null=True, blank=True)
    lost = models.DateTimeField(null=True, blank=True)  # the number is somebody else's by now

    class Meta:
        db_table = "people_contact"
        constraints = [models.UniqueConstraint(fields=["person", "kind", "value"], name="people_contact_once")]
        indexes = [models.Index(fields=["value", "kind"], name="people_contact_value")]


class Mandate(models.Model):
    """Somebody lets somebody else act for them (a mediator, a child for a parent): how they agreed is kept."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="mandates")
    mediator = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="acts_for")
    about = models.CharField(max_length=60, blank=True)  # one service; "": whatever the town does
    consent = models.CharField(max_length=300)  # how: "by voice, call of ...", "signed at the counter"
    recorded_by = models.BigIntegerField(null=True)
    at = models.DateTimeField(db_default=Now())
    until = models.DateField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "people_mandate"


class AccountManager(BaseUserManager["Account"]):
    def create_user(self, email: str | None = None, password: str | None = None, **fields: Any) -> Account:
        account = self.model(email=self.normalize_email(email).lower() if email else None, **fields)
        account.set_password(password)
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> Account:
        return self.create_user(email, password, is_staff=True, is_superuser=True, is_team=True, **fields)

    def get_by_natural_key(self, username: str | None) -> Account:
        return self.get(email=(username or "").lower())


class Account(AbstractBaseUser, PermissionsMixin):
    """Who logs in: staff by e-mail, password and second factor; residents by a one-time code (no password)."""

    email = models.EmailField(unique=True, null=True, blank=True)
    name = models.CharField(max_length=200, blank=True)
    person = models.OneToOneField(Person, null=True, blank=True, on_delete=models.PROTECT, related_name="account")
    language = models.CharField(max_length=8, blank=True)
    is_active = models.BooleanField(default=True)
    is_team = models.BooleanField(default=False)  # works for the town: the back office
    is_staff = models.BooleanField(default=False)  # the IT person: Django's admin
    created = models.DateTimeField(db_default=Now())

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()

    class Meta:
        db_table = "people_account"

    def __str__(self) -> str:
        return self.name or self.email or f"#{self.pk}"


class Team(models.Model):
    """People who do one kind of work, in some zones or in the whole town."""

    slug = models.SlugField(unique=True, max_length=60)
    names = WordsField()
    email = models.EmailField(blank=True)
    service = models.CharField(max_length=40, default="*")
    zones = models.ManyToManyField("territory.Zone", blank=True, db_table="people_team_zone")
    members = models.ManyToManyField(Account, blank=True, related_name="teams", db_table="people_team_member")

    class Meta:
        db_table = "people_team"

    def __str__(self) -> str:
        return self.slug


class GrantRow(models.Model):
    """A role, for one service ("*": all), in one zone and all inside it (null: the whole town), for some subjects of that
    service only (none: all of them)."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="grants")
    role = models.CharField(max_length=20)
    service = models.CharField(max_length=40, default="*")
    zone = models.ForeignKey("territory.Zone", null=True, blank=True, on_delete=models.CASCADE)
    subjects = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    until = models.DateField(null=True, blank=True)

    class Meta:
        db_table = "people_grant"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "role", "service", "zone"], nulls_distinct=False, name="people_grant_once"
            )
        ]


class OneTimeCode(models.Model):
    """A challenge: a code was sent to a phone or an e-mail, good for ten minutes and five tries. The code itself is
    derived from the challenge and the secret key, and stored nowhere."""

    challenge = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=10, choices=Contact.Kind.choices)
    value = models.CharField(max_length=254)
    created = models.DateTimeField(db_default=Now())
    expires = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    used = models.BooleanField(default=False)
    device = models.CharField(max_length=64, blank=True)  # a digest of the browser that asked; the code serves it only
    sent = models.SmallIntegerField(default=0)  # how often; 0: it was not asked for by a message
    last_sent = models.DateTimeField(null=True, blank=True)
    dialled = models.BooleanField(default=False)  # shown on the phone itself, in a USSD session

    class Meta:
        db_table = "people_one_time_code"
        indexes = [
            models.Index(fields=["expires"], name="people_otp_expires"),
            models.Index(fields=["value", "-created"], name="people_otp_value"),
        ]
