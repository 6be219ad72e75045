"""The door of `channels`: a message is written down in the caller's transaction, then sent by a worker, once; what people
write is kept, then answered by the commands that services declare."""

from __future__ import annotations

from toguna.engines.channels.forgetting import forget
from toguna.engines.channels.incoming import receive
from toguna.engines.channels.models import Conversation, Incoming, Message
from toguna.engines.channels.publish.subscribing import Subscribable
from toguna.engines.channels.sending import send
from toguna.engines.channels.talk.answering import give_back, question, read, slots_of, take_over
from toguna.engines.channels.talk.commands import Choice, Command, NotUnderstood, Said, Slot, Stop

__all__ = [
    "Choice",
    "Command",
    "Conversation",
    "Incoming",
    "Message",
    "NotUnderstood",
    "Said",
    "Slot",
    "Stop",
    "Subscribable",
    "forget",
    "give_back",
    "question",
    "read",
    "receive",
    "send",
    "slots_of",
    "take_over",
]
