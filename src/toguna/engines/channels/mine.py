"""What the town wrote to a person lately, for their own space."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy

from toguna.engines.channels.models import Message
from toguna.engines.channels.reads import of_person
from toguna.engines.people.api import Mine, Owned, Person
from toguna.kernel.tasks import Lane

MOST, LATELY = 8, timedelta(days=60)


def _owned(person: Person) -> list[Owned]:
    since = timezone.now() - LATELY
    said = Message.objects.filter(of_person(person.pk), created__gt=since).exclude(lane=Lane.ONE_TIME_CODE)
    texts = said.exclude(text="").order_by("-id").values_list("subject", "text", "created")[:MOST]
    return [Owned(title=subject or words, says=words if subject else "", when=at) for subject, words, at in texts]


MINE = Mine("messages", gettext_lazy("Messages of the town"), "message", _owned, order=50)
