"""What a complaint has beside its case: how high it has risen, what it is about."""

from __future__ import annotations

from django.db import models

from toguna.kernel.text import WordsField


class Level(models.Model):
    """A step of the ladder that a complaint climbs when it is late: the service, its head, the town's secretary, the
    ombudsman. `days`: calendar days that this level has; the last has no end."""

    number = models.SmallIntegerField(unique=True)
    names = WordsField()
    team = models.ForeignKey("people.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    days = models.SmallIntegerField(default=10)

    class Meta:
        db_table = "complaints_level"
        ordering = ["number"]


class Complaint(models.Model):
    """`level`: the number of the level that has it; `about`: the code of the report or request that it is about."""

    case = models.OneToOneField("cases.Case", primary_key=True, on_delete=models.CASCADE, related_name="complaint")
    level = models.SmallIntegerField(default=0)
    about = models.CharField(max_length=8, blank=True)
    contested = models.SmallIntegerField(default=0)

    class Meta:
        db_table = "complaints_complaint"
