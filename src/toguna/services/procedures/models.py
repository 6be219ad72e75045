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

    class Meta:
        db_table = "procedures_procedure"
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.slug
