"""The door of `channels`: a message is written down in the caller's transaction, then sent by a worker, once; what people
write is kept, then answered by the commands that services declare."""

from __future__ import annotations

from toguna.engines.channels.costing import Cost, sms_cost
from toguna.engines.channels.forgetting import forget
from toguna.engines.channels.gateway.kannel_setup import Missing as KannelMissing
from toguna.engines.channels.gateway.kannel_setup import prepare as prepare_kannel
from toguna.engines.channels.gateway.pump import quiet_now
from toguna.engines.channels.incoming import receive
from toguna.engines.channels.leaving import Leaving
from toguna.engines.channels.models import Conversation, Incoming, Message
from toguna.engines.channels.post.mail_in import Mail, MailBox
from toguna.engines.channels.post.pictures import PictureBox
from toguna.engines.channels.post.pictures import waiting as waiting_pictures
from toguna.engines.channels.post.push import notify as push_to
from toguna.engines.channels.post.push import offer as push_offer
from toguna.engines.channels.publish.alerts import AlertRule, raise_alert
from toguna.engines.channels.publish.reminders import Due, Reminder
from toguna.engines.channels.publish.subscribing import Subscribable
from toguna.engines.channels.sending import Outgoing, send, send_many
from toguna.engines.channels.sms import is_one as is_one_sms
from toguna.engines.channels.talk.answering import give_back, question, read, slots_of, take_over
from toguna.engines.channels.talk.commands import Choice, Command, NotUnderstood, Said, Slot, Stop

__all__ = [
    "AlertRule",
    "Choice",
    "Command",
    "Conversation",
    "Cost",
    "Due",
    "Incoming",
    "KannelMissing",
    "Leaving",
    "Mail",
    "MailBox",
    "Message",
    "NotUnderstood",
    "Outgoing",
    "PictureBox",
    "Reminder",
    "Said",
    "Slot",
    "Stop",
    "Subscribable",
    "forget",
    "give_back",
    "is_one_sms",
    "prepare_kannel",
    "push_offer",
    "push_to",
    "question",
    "quiet_now",
    "raise_alert",
    "read",
    "receive",
    "send",
    "send_many",
    "slots_of",
    "sms_cost",
    "take_over",
    "waiting_pictures",
]
