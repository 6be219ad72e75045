"""Mail of Django and its libraries (a forgotten password, a changed second factor) goes the way of all messages."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.utils.translation import get_language

from toguna.engines.channels.sending import send


class Backend(BaseEmailBackend):
    """Django's EMAIL_BACKEND: a row and a job in the caller's transaction, for each address."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        with transaction.atomic():
            for message in email_messages:
                for address in message.recipients():
                    send(
                        "email",
                        address,
                        key=f"mail:{uuid.uuid4()}",
                        subject=str(message.subject),
                        text=str(message.body),
                        language=get_language() or "",
                    )
        return len(email_messages)
