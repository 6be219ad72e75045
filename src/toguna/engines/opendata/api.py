"""The door of `opendata`: what a service declares to publish."""

from __future__ import annotations

from toguna.engines.opendata.datasets import Column, Dataset, DatasetSource

__all__ = ["Column", "Dataset", "DatasetSource"]
