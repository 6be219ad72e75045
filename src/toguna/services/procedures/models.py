"""What a town does for whoever asks, told plainly."""

from __future__ import annotations

from django.db import models

from toguna.kernel.text import WordsField


class Procedure(models.Model):
    """One thing that people ask of the town hall: what it is for, what to bring, what it costs, how long it takes, where."""

    slug = models.SlugField(max_length=60, unique=True)
    names = WordsField()
    icon = models.CharField(max_length=40, blank=True)
    active = models.BooleanField(default=True)
    order = models.SmallIntegerField(default=100)
    event = models.CharField(max_length=20)  # of life: see `life.EVENTS`
    summary = WordsField(blank=True)
    who = WordsField(blank=True)
    bring = models.JSONField(default=list, blank=True)  # [{language: words}]
    where = WordsField(blank=True)
    cost = models.BigIntegerField(default=0)  # in the minor unit of the town's currency
    cost_words = WordsField(blank=True)
    law = WordsField(blank=True)
    days = models.SmallIntegerField(default=5)  # working days, promised
    words = models.JSONField(default=dict, blank=True)  # {language: what people type when they mean it}
    quiz = models.JSONField(default=list, blank=True)  # [{"ask": words, "need": "yes"|"no", "otherwise": words}]

    paper = models.CharField(max_length=40, blank=True)  # the template of `documents` by which it is issued
    form = models.SlugField(max_length=64, blank=True)  # of `forms`, by which it is asked for; "": at the counter only
    booking = models.SlugField(max_length=60, blank=True)  # the resource of `bookings` where one comes for it
    pattern = models.CharField(max_length=40, blank=True)  # how it is decided: see `ready.workflows`
    steps = models.JSONField(null=True, blank=True)  # that pattern as the town changed it
    register = models.CharField(
        max_length=20, blank=True
    )  # the civil register it is entered in; "copy": copies are made
    facts = models.JSONField(default=dict, blank=True)  # {field of the paper or of the entry: "{answer} {answer}"}
    entry_words = WordsField(blank=True)  # the text of the entry, with {answers}

    class Meta:
        db_table = "procedures_procedure"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug


class Request(models.Model):
    """Somebody asked for a procedure: what a case of this service has beside the case."""

    case = models.OneToOneField("cases.Case", on_delete=models.CASCADE, primary_key=True, related_name="request")
    procedure = models.ForeignKey(Procedure, on_delete=models.PROTECT, related_name="requests")
    filling = models.BigIntegerField(unique=True)  # of `forms`
    entry = models.BigIntegerField(null=True, blank=True)  # of the register: the one it became, or that is to be copied
    another = models.BooleanField(default=False)  # a clerk looked at the entry that is alike: it is somebody else

    class Meta:
        db_table = "procedures_request"
