"""Workloads, each with its rival (or its target) in the same run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One figure. ratio: above 1 means that ours is better; for times and counts it is rival / ours."""

    workload: str
    unit: str
    ours: float
    rival: float
    rival_name: str
    ratio: float
    method: str = ""
