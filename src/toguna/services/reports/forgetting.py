"""What the service keeps about a report beside the case, and what is left of it once the case is anonymous."""

from __future__ import annotations

from collections.abc import Sequence

from toguna.services.reports.models import RemoteUpdate, Transfer


def forget(cases: Sequence[int]) -> None:
    """That it went to another body stays, for the counts; not under what number there, where its words may still be read."""
    Transfer.objects.filter(case__in=cases).update(remote_id="", token="", trouble="")
    RemoteUpdate.objects.filter(case__in=cases).delete()
