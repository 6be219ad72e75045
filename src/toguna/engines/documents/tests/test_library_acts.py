"""Acts from the draft to the repeal: numbers, consolidated texts, citations, and what is never changed."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

import pytest
from django.db import Error, connection, transaction
from django.utils import timezone

from toguna.engines.documents import search
from toguna.engines.documents.library import actions, demo, reads
from toguna.engines.documents.library.actions import Doing, Refused, Written
from toguna.engines.documents.models.library import Act, ActChange, ActVersion
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, READER, SYSTEM, Actor, Denied, Grant
from toguna.kernel.models import AuditEntry, EventRow

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate


@pytest.fixture(autouse=True)
def empty_index(db):
    """The index is no model's: what a test with real transactions left in it stays."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM documents_text; DELETE FROM documents_word")


def actor(role: str) -> Actor:
    return Actor(account=None, staff=True, grants=(Grant(role),))


def written(subject="portant essai", text="Vu la loi ;\nArticle 1. Un.\nArticle 2. Deux.", **more) -> Written:
    given = {"kind": "bylaw", "language": "fr", "body": "Le maire", "signed": date(2023, 3, 3), **more}
    return Written(subject=subject, text=text, **given)


def published(subject="portant essai", effective=None, changes=(), **more) -> Act:
    act = actions.save(None, written(subject, **more), by=SYSTEM)
    for doing in changes:
        actions.add_change(act.pk, doing, by=SYSTEM)
    return actions.publish(act.pk, by=SYSTEM, published=act.signed, effective=effective)


def test_a_draft_is_nobodys_until_it_is_published():
    draft = actions.save(None, written(), by=actor(AGENT))
    assert not reads.public().exists() and reads.look("essai").total == 0
    with pytest.raises(Denied):
        actions.publish(draft.pk, by=actor(AGENT))
    with pytest.raises(Denied):
        actions.save(None, written(), by=actor(READER))
    act = actions.publish(draft.pk, by=actor(MANAGER))
    assert act.reference == "2023-001" and act.published == TODAY() == act.effective
    assert [h.act for h in reads.look("essai").hits] == [act]
    assert AuditEntry.objects.filter(action="documents.publish", subject=f"documents.act:{act.pk}").count() == 1
    assert actions.publish(draft.pk, by=actor(ADMINISTRATOR)).number == "1"  # twice is once
    assert EventRow.objects.filter(name__endswith="ActPublished").count() == 1


def test_numbers_have_no_holes_and_are_nobodys_twice():
    first, thrown = actions.save(None, written(), by=SYSTEM), actions.save(None, written(), by=SYSTEM)
    actions.discard(thrown.pk, by=SYSTEM)
    old = published("ancien", number="7")
    assert (old.reference, actions.publish(first.pk, by=SYSTEM).reference) == ("2023-007", "2023-008")
    assert published("autre", kind="deliberation").reference == "2023-001"
    with pytest.raises(Refused, match="2023-007"):
        actions.save(None, written(number="007"), by=SYSTEM)
    assert published("bis", number="7-bis").reference == "2023-007-bis"


def test_the_same_form_sent_twice_is_one_draft():
    key = uuid.uuid4()
    one, two = (actions.save(None, written(), by=SYSTEM, client_id=key) for _ in range(2))
    assert one.pk == two.pk and one.versions.count() == 1
    actions.save(one.pk, written(text="Article 1. Autre."), by=SYSTEM)
    actions.save(one.pk, written(text="Article 1. Autre."), by=SYSTEM)
    assert [v.n for v in one.versions.all()] == [1, 2]


def test_the_consolidated_text_of_each_day():
    market = published("portant règlement des marchés", signed=date(2022, 1, 1))
    published(
        "modifiant", signed=date(2023, 1, 1), effective=date(2023, 6, 1),
        changes=[Doing("arrêté 2022-001", "replace", "2", words="Deux nouveau."), Doing("arrêté 2022-001", "add", "2 bis", "2", "", "Ajout.")],
    )  # fmt: skip
    later = published(
        "supprimant", signed=date(2024, 1, 1), changes=[Doing("2022-001", "remove", "1", since=date(2024, 3, 1))]
    )

    def at(day):
        return [(a.number, a.paragraphs, a.removed) for a in reads.text_at(market, day).articles]

    first = [("1", ("Un.",), False), ("2", ("Deux.",), False)]
    second = [first[0], ("2", ("Deux nouveau.",), False), ("2 bis", ("Ajout.",), False)]
    assert at(date(2023, 5, 31)) == first and at(date(2023, 6, 1)) == second == at(date(2024, 2, 29))
    assert at(date(2024, 3, 1)) == [("1", (), True), *second[1:]]
    assert reads.days(market) == [date(2022, 1, 1), date(2023, 6, 1), date(2024, 3, 1)]
    assert reads.standing(market, date(2023, 5, 31)).state == "in-force"
    assert reads.standing(market, TODAY()).state == "amended"
    assert [h.act for h in reads.look('"Deux nouveau"').hits] == [market]  # found by what it says today
    # A slip of the pen is corrected beneath what others changed.
    actions.correct(
        market.pk, subject=market.subject, words="Article 1. Un corrigé.\nArticle 2. Deux.", note="coquille", by=SYSTEM
    )
    assert at(date(2023, 6, 1)) == [("1", ("Un corrigé.",), False), *second[1:]]
    assert [v.n for v in reads.versions(market)] == [1, 2]
    assert later in reads.cited_by(market)


def test_a_repeal_ends_an_act_on_its_day():
    old = published("portant organisation de la collecte")
    new = published(
        "portant nouvelle collecte", signed=date(2024, 5, 1), changes=[Doing("arrêté n° 2023-001", "repeal")]
    )
    old.refresh_from_db()
    assert old.repealed == date(2024, 5, 1)
    assert (
        reads.standing(old, date(2024, 4, 30)).state == "in-force" and reads.standing(old, TODAY()).state == "repealed"
    )
    assert {h.act for h in reads.look("collecte").hits} == {old, new}
    assert [h.act for h in reads.look("collecte", in_force=True).hits] == [new]
    assert [h.act for h in reads.look("", in_force=True).hits] == [new]
    draft = actions.save(None, written(signed=TODAY()), by=SYSTEM)
    with pytest.raises(Refused, match="2023-001"):
        actions.add_change(draft.pk, Doing("2023-001", "remove", "1"), by=SYSTEM)


@pytest.mark.parametrize(
    "doing",
    [Doing("2023-001", "replace", "9", words="x"), Doing("2023-001", "add", "2", words="x"), Doing("2023-099", "repeal"),
     Doing("le marché", "repeal"), Doing("2023-001", "replace", "1"), Doing("2023-001", "repeal", since=date(2020, 1, 1))],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_refused_when_it_is_written(doing):
    published()
    draft = actions.save(None, written(), by=SYSTEM)
    with pytest.raises(Refused):
        actions.add_change(draft.pk, doing, by=SYSTEM)
    assert not draft.changes.exists()


def test_a_change_that_waits_for_its_day_is_indexed_when_it_comes(monkeypatch):
    market = published("portant règlement")
    published(
        "modifiant",
        effective=TODAY() + timedelta(days=30),
        signed=TODAY(),
        changes=[Doing("arrêté 2023-001", "replace", "1", words="Girafes admises.")],
    )
    actions.take_effect()
    assert reads.look('"girafes admises"').total == 0 and reads.standing(market, TODAY()).state == "in-force"
    monkeypatch.setattr(reads, "today", lambda: TODAY() + timedelta(days=30))
    actions.take_effect()
    assert [h.act for h in reads.look('"girafes admises"').hits] == [market]


def test_citations_lead_both_ways_even_to_what_comes_later():
    citing = published(
        "citant",
        text="Vu la délibération n° 2021-005 ;\nArticle 1. Selon l'arrêté n° 2023-001 et la délibération 2021-005.",
    )
    assert reads.cites(citing) == []
    cited = published("citée", kind="deliberation", signed=date(2021, 2, 2), number="5")
    assert reads.cites(citing) == [cited] and reads.cited_by(cited) == [citing]
    cut = reads.links(reads.own_text(citing), citing)
    assert [(words, act) for words, act in cut("Vu la délibération n° 2021-005 ;")] == [
        ("Vu la ", None),
        ("délibération n° 2021-005", cited),
        (" ;", None),
    ]


def test_a_change_that_only_the_words_say_is_pointed_out():
    old = published("ancien")
    draft = actions.save(
        None,
        written("abrogeant", text="Vu l'arrêté n° 2023-001 ;\nArticle 1. L'arrêté n° 2023-001 est abrogé."),
        by=SYSTEM,
    )
    assert reads.unsaid(draft, reads.own_text(draft)) == [old]
    actions.add_change(draft.pk, Doing("2023-001", "repeal"), by=SYSTEM)
    assert reads.unsaid(draft, reads.own_text(draft)) == []
    quoting = actions.save(None, written("citant", text="Article 1. Selon l'arrêté n° 2023-001."), by=SYSTEM)
    assert reads.unsaid(quoting, reads.own_text(quoting)) == []


def test_what_is_published_is_only_added_to():
    act = published()
    amending = published("modifiant", changes=[Doing(f"arrêté {act.reference}", "remove", "1")])
    for refused in (
        lambda: actions.save(act.pk, written(), by=SYSTEM),
        lambda: actions.discard(act.pk, by=SYSTEM),
        lambda: actions.add_change(amending.pk, Doing("2023-001", "repeal"), by=SYSTEM),
        lambda: actions.correct(act.pk, subject="", words="Article 1. x", note=" ", by=SYSTEM),
    ):
        with pytest.raises(Refused):
            refused()
    for change in (
        lambda: ActVersion.objects.filter(act=act).update(subject="x"),
        lambda: ActVersion.objects.filter(act=act).delete(),
        lambda: ActChange.objects.filter(act=amending).update(words="x"),
        lambda: ActChange.objects.create(act=amending, target=act, verb="repeal"),
    ):
        with pytest.raises(Error), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("signed", "published"),
    [
        (lambda today: date(2023, 3, 3), lambda today: today + timedelta(days=1)),
        (lambda today: today, lambda today: today - timedelta(days=1)),
    ],
)
def test_days_that_cannot_be_are_refused(signed, published):
    today = TODAY()
    draft = actions.save(None, written(signed=signed(today)), by=SYSTEM)
    with pytest.raises(Refused):
        actions.publish(draft.pk, by=SYSTEM, published=published(today))
    assert not reads.public().exists()


def test_the_demo_is_forty_acts_and_loading_twice_changes_nothing(tmp_path):
    files = demo.DemoFiles(tmp_path, 0, TODAY(), lambda step, part: None)
    demo.load(files)
    before = list(Act.objects.order_by("pk").values_list("pk", "number", "updated"))
    demo.load(files)
    assert list(Act.objects.order_by("pk").values_list("pk", "number", "updated")) == before
    assert len(before) == 40 and not Act.objects.filter(published=None).exists()
    states = {reads.standing(a, TODAY()).state for a in Act.objects.all()}
    assert {"in-force", "amended", "repealed"} <= states


def test_the_list_costs_few_statements(django_assert_max_num_queries):
    for n in range(12):
        published(f"essai {n}")
    search.count_words()
    with django_assert_max_num_queries(8):
        assert len(reads.look("essai").hits) == 10
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM documents_text")
        assert cursor.fetchone()[0] == 12


def test_two_hands_in_the_same_second(monkeypatch):
    key = uuid.uuid4()
    one = actions.save(None, written(), by=SYSTEM, client_id=key)
    published("premier", number="5")
    real, looks = Act.objects.filter, []

    def late(*args, **kwargs):  # the first look finds nothing: the other has not committed yet
        looks.append(kwargs)
        return Act.objects.none() if len(looks) == 1 else real(*args, **kwargs)

    monkeypatch.setattr(Act.objects, "filter", late)
    assert actions.save(None, written(), by=SYSTEM, client_id=key) == one
    assert looks == [{"client_id": key}] * 2
    monkeypatch.undo()
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda self: False)
    with pytest.raises(Refused, match="2023-005"):
        actions.save(None, written(number="5"), by=SYSTEM)
