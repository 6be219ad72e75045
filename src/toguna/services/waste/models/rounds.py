"""Trucks, rounds, and how full bins are."""

from __future__ import annotations
