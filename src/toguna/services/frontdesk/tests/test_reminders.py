from datetime import timedelta

from django.utils import timezone

from toguna.engines.channels.models import Message
from toguna.engines.channels.publish import reminders
from toguna.engines.people import api as people


def test_who_lets_somebody_act_for_them_is_told_before_it_ends(hire):
    clerk = hire()
    person = people.person_for(name="Fanta", phone="+22370000011", language="fr")
    mediator = people.person_for(name="Issa", phone="+22370000012")
    today = timezone.localdate()
    people.grant_mandate(person, mediator, consent="à haute voix", until=today + timedelta(days=30), by=clerk.actor)
    assert reminders.remind() == 0
    in_time = timezone.now() + timedelta(days=24)
    reminders.remind(in_time)
    reminders.remind(in_time + timedelta(hours=1))
    message = Message.objects.get()
    assert message.address == "+22370000011" and "Issa" in message.text
