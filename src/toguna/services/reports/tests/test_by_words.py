"""A report by SMS, from the first word to the answer; and everything that people may send instead."""

from __future__ import annotations

import random
import re
import threading

import pytest
from django.contrib.gis.geos import Point
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.channels import api as channels
from toguna.engines.channels.models import Conversation, Incoming, Message, OptOut
from toguna.engines.channels.talk import understanding
from toguna.engines.territory import names
from toguna.engines.territory.models import Feature, Layer
from toguna.kernel.access import SYSTEM
from toguna.services.reports import topics

PHONE = "+22370000001"


@pytest.fixture(autouse=True)
def fresh_words():
    understanding.forget()
    yield
    understanding.forget()


@pytest.fixture
def places(town):
    layer = Layer.objects.create(slug="facilities", names={"fr": "Lieux"})
    for n, (name, kind, lon) in enumerate(
        (("École Sainte Marie", "school", 0.25), ("Mosquée de Nord", "mosque", 0.3), ("Mosquée de Sud", "mosque", 1.7))
    ):
        Feature.objects.create(layer=layer, source=f"t:{n}", name=name, kind=kind, geom=Point(lon, 0.5, srid=4326))
    names.rebuild()
    return layer


@pytest.fixture
def say(town):
    """say("SIGNALER ...") -> what the town answers, "" for nothing."""

    def said(text: str, phone: str = PHONE, **more) -> str:
        row = channels.receive("sms", phone, text, **more)
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    return said


def code_in(answer: str) -> str:
    return re.search(r"\b[2-9AC-Z]{6}\b", answer).group()


def parts(words: str) -> int:
    from toguna.engines.channels import sms

    return sms.size(words).parts


def test_the_report_of_the_issue(say, places, town):
    answer = say("SIGNALER trou devant école Sainte Marie")
    case = cases.Case.objects.get()
    assert (case.topic.slug, case.team, case.zone, case.channel) == ("pothole", town.roads, town.north, "sms")
    assert case.code in answer and parts(answer) == 1 and "Sainte Marie" in answer
    assert case.point.x == pytest.approx(0.25)
    followed = say(f"suivi {case.code[:4].lower()}")
    assert case.code in followed and "Recu" in followed
    cases.move(case.pk, "solve", by=SYSTEM, words="Rebouché ce matin")
    assert "Rebouché" in say(case.code)
    assert "rouvert" in say("NON le trou est revenu")
    case.refresh_from_db()
    assert case.state == "accepted"


@pytest.mark.parametrize(
    "words",
    [
        "signaler TROU devant ecole sainte marie",
        "Signalé trou devant école Sainte Marie",
        "SINGALER trou devant l'école Sainte Marie",
        "sgn: nid de poule devant ecole ste marie",
        "trou devant école Sainte Marie a signaler",
        "il y a un trou devant école Sainte Marie",
        "report hole in front of Sainte Marie school",
        "COMUNICAR buraco em frente da escola Sainte Marie",
    ],
)
def test_many_ways_to_say_it(say, places, words):
    answer = say(words)
    for _ in range(2):
        if cases.Case.objects.exists():
            break
        answer = say("1" if "\n1 " in answer else "École Sainte Marie")
    case = cases.Case.objects.get()
    assert case.topic.slug == "pothole" and case.code in answer


def test_one_question_at_a_time(say, places):
    assert "SIGNALER" not in say("signaler")
    asked = say("il y a quelque chose de bizarre")
    assert "\n1 " in asked  # what is it about?
    number = re.search(r"(\d) Lampadaire", asked).group(1)
    assert "repère" in say(number)
    which = say("mosquee")
    assert "Nord" in which and "Sud" in which
    answer = say(re.search(r"(\d) Mosquée de Sud", which).group(1))
    case = cases.Case.objects.get()
    assert case.code in answer and case.zone.name == "Sud" and case.topic.slug == "street-light"
    assert case.text == "il y a quelque chose de bizarre"
    assert Conversation.objects.count() == 1


def test_the_same_one_is_offered_by_sms(say, places, opened):
    case = opened(lon=0.25, lat=0.5, text="Trou énorme")
    assert "Trou énorme" in say("signaler trou devant école Sainte Marie")
    assert case.code in say("1")
    case.refresh_from_db()
    assert case.supporters == 1 and cases.Case.objects.count() == 1


def test_a_category_with_a_stop_message_or_questions(say, places, town):
    cases.Topic.objects.filter(slug="pothole").update(
        questions=[
            {"name": "size", "kind": "singlevaluelist", "required": True, "label": {"fr": "Quelle taille ?"},
             "values": [{"key": "s", "name": {"fr": "petit"}}, {"key": "l", "name": {"fr": "grand"}}]}
        ]
    )  # fmt: skip
    cases.Topic.objects.filter(slug="noise").update(stop={"fr": "Appelez la gendarmerie : 17"})
    topics.forget()
    asked = say("signaler trou devant école Sainte Marie")
    assert asked.startswith("Quelle taille ?") and "2 grand" in asked
    assert "Quelle taille" in say("énorme")
    say("2")
    assert cases.Case.objects.get().answers == {"size": "l"}
    assert "gendarmerie" in say("signaler bruit devant école Sainte Marie", "+22370000002")
    assert cases.Case.objects.count() == 1


def test_help_in_each_language_fits(say):
    for n, (word, expected) in enumerate((("AIDE", "SIGNALER"), ("ajuda", "COMUNICAR"), ("help", "REPORT"))):
        answer = say(word, f"+2237100000{n}")
        assert expected in answer and parts(answer) <= 2
    assert "SIGNALER trou" in say("aide signaler", "+22371000009")
    assert "SIGNALER" in say("bonjour", "+22371000010")


def test_stop_and_start(say):
    assert "REPRENDRE" in say("STOP") or "START" in say("STOP")
    assert OptOut.objects.filter(address=PHONE).exists()
    say("arrêt")
    assert OptOut.objects.count() == 1
    say("REPRENDRE")
    assert not OptOut.objects.exists()


def test_a_person_takes_over(say, hire):
    assert "AIDE" in say("xyzzy")
    assert "mairie" in say("qwerty asdf")
    talk = Conversation.objects.get()
    assert talk.state == "person" and say("je voulais parler à quelqu'un") == ""
    assert Incoming.objects.filter(state="person").count() == 2
    from toguna.kernel.access import Actor

    channels.take_over(talk.pk, "Bonjour, que puis-je pour vous ?", by=Actor(account=1, staff=True))
    assert Message.objects.filter(address=PHONE, text__startswith="Bonjour").count() == 1
    assert say("mon acte de naissance") == ""
    channels.give_back(talk.pk, by=Actor(account=1, staff=True))
    assert "SIGNALER" in say("AIDE")


def test_a_message_received_twice_is_one(say, places):
    for _ in range(3):
        say("signaler trou devant école Sainte Marie", reference="op:1")
    assert cases.Case.objects.count() == Incoming.objects.count() == 1
    for _ in range(2):  # without an id: the same words at once
        say("signaler lampadaire devant école Sainte Marie")
    assert cases.Case.objects.count() == 2


def test_machines_are_not_answered(say):
    assert say("Votre solde est de 0 F", "ORANGE") == "" and say("promo", "36111") == ""
    assert Incoming.objects.filter(state="kept").count() == 2


def test_one_phone_that_writes_too_much_is_told_once_and_nothing_is_lost(say):
    answers = [say(f"bla {n}") for n in range(130)]  # more than two windows allow, should the hour change meanwhile
    assert sum("trop" in a for a in answers) == 1 and answers[-1] == ""
    assert Incoming.objects.count() == 130


def test_what_breaks_is_kept_and_goes_to_a_person(say, places, monkeypatch):
    from toguna.services.reports import commands

    monkeypatch.setattr(commands.intake, "take_from", lambda *a: 1 / 0)
    assert "mairie" in say("signaler trou devant école Sainte Marie")
    row = Incoming.objects.get()
    assert row.state == "person" and "Sainte Marie" in row.text


@pytest.mark.django_db(transaction=True)
def test_two_messages_of_one_phone_at_once(say, places):
    start = threading.Barrier(4)

    def send(n: int) -> None:
        try:
            start.wait()
            channels.receive("sms", PHONE, f"signaler trou numero {n} devant école Sainte Marie", reference=str(n))
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=[n]) for n in range(4)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert Incoming.objects.count() == 4 and Conversation.objects.exclude(state="closed").count() == 1
    assert Incoming.objects.filter(answer=None).count() == 0


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.text(max_size=200) | st.sampled_from(["1", "2", "signaler", "stop", "suivi", "oui", "non", "0"]), max_size=6
    )
)
def test_whatever_is_typed(say, places, words):
    """Nothing breaks, everything is kept, and every answer fits in three SMS at most."""
    before = Incoming.objects.count()
    phone = f"+2237{random.randrange(10**7):07d}"
    for n, text in enumerate(words):
        answer = say(text, phone, reference=f"{before}-{n}-{phone}")
        assert parts(answer) <= 3
    assert Incoming.objects.count() == before + len(words)
    assert not Incoming.objects.filter(state="new").exists()


ALPHABETS = [
    "abcdefghijklmnopqrstuvwxyz éèàç",
    "ابتثجحخ",
    "😀👍🏽🇲🇱",
    "你好世界",
    "\x00\x01\x07\ud800",
    "SIGNALERSUIVI0123456789 ",
    "'\";--{}%s<>&",
]


def test_a_hostile_inbox(say, places):
    """10,000 messages, random, abusive, huge, binary, in any language: none lost, none crashing."""
    chance = random.Random(4)
    sent = 0
    for n in range(10_000):
        if n == 400:  # in one transaction, no vacuum gives the planner its figures: it would look among all rows
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE channels_conversation, channels_incoming")
        alphabet = chance.choice(ALPHABETS)
        size = chance.choice([0, 1, 5, 30, 160, 700]) if n % 500 else 60_000
        text = "".join(chance.choices(alphabet, k=size))
        channels.receive("sms", f"+2237{n // 40:07d}", text, reference=f"h:{n}")
        sent += 1
    assert Incoming.objects.count() == sent
    assert not Incoming.objects.filter(state="new").exists()
    assert Message.objects.filter(lane__lt=0).count() == 0
