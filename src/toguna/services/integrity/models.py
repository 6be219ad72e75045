"""The key of an alert: all that is kept beside its words."""

from __future__ import annotations

from django.db import models


class Alert(models.Model):
    """The key of an alert on corruption, as a digest: whoever wrote holds the key, and nothing says who that is."""

    case = models.OneToOneField("cases.Case", primary_key=True, on_delete=models.CASCADE, related_name="alert")
    digest = models.CharField(max_length=64)

    class Meta:
        db_table = "integrity_alert"
