"""The door of `channels`: a message is written down in the caller's transaction, then sent by a worker, once."""

from __future__ import annotations

from toguna.engines.channels.forgetting import forget
from toguna.engines.channels.sending import send

__all__ = ["forget", "send"]
