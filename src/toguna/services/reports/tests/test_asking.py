"""Questions to the town: the answers that are there come first, then the question, its answer, and what is made of it."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from toguna.engines.cases import api as cases
from toguna.engines.channels.models import Message
from toguna.engines.people import api as people
from toguna.kernel import access
from toguna.kernel.access import NOBODY, SYSTEM
from toguna.kernel.models import AuditEntry
from toguna.services.reports.asking import actions, articles, starter, urls
from toguna.services.reports.asking.casetype import QUESTION
from toguna.services.reports.models import Article

PUBLIC = {"ask", "answers", "article", "article-helped", "question-thanks", "question", "question-answer"}
READ = {"desk-questions", "desk-question", "desk-question-act"}
SET_UP = {"desk-question-teams", "desk-articles", "desk-article-new", "desk-article"}


@pytest.fixture
def started(town):
    starter.load()
    return {t.slug: t for t in cases.Topic.objects.filter(case_type="questions")}


@pytest.fixture
def asked(started):
    """asked("words") -> a question, straight into the system."""

    def make(
        words: str = "Combien coûte un acte ?", *, topic: str = "ask-papers", public: bool = False, **more
    ) -> cases.Case:
        given = cases.Asked(
            type="questions", topic=started[topic], text=words, answers={"open_to_all": True} if public else {}, **more
        )
        case = cases.open_case(given, by=NOBODY)[0]
        cases.Case.objects.filter(pk=case.pk).update(public=public)
        case.refresh_from_db()
        return case

    return make


def body(**changes) -> dict[str, str]:
    return {
        "do": "send", "client_id": str(uuid.uuid4()), "text": "À quelle heure ouvre la piscine ?", "topic": "ask-other",
        "name": "", "contact": "", **changes,
    }  # fmt: skip


def address(name: str, case: cases.Case) -> str:
    code = {"question-thanks", "question", "question-answer", "desk-question", "desk-question-act"}
    slug = {"article", "article-helped", "desk-article"}
    return reverse(name, args=[case.code] if name in code else ["land"] if name in slug else [])


def test_every_page_is_in_this_matrix():
    assert {p.name for p in urls.urlpatterns} == PUBLIC | READ | SET_UP


@pytest.mark.parametrize("name", sorted(PUBLIC))
@pytest.mark.parametrize("role", ["nobody", "reader", "agent"])
def test_public_pages_are_open_to_all(name, role, hire, asked):
    client = Client() if role == "nobody" else hire(role)
    expected = 302 if name in {"article-helped", "question-answer"} else 200  # these take a POST
    assert client.get(address(name, asked())).status_code == expected


@pytest.mark.parametrize("name", sorted(READ | SET_UP))
@pytest.mark.parametrize(
    "role", ["nobody", "no factor", "", "other service", "reader", "agent", "manager", "administrator"]
)
def test_the_desk_by_role(name, role, hire, asked):
    match role:
        case "nobody":
            client = Client()
        case "no factor":
            client = hire("manager", factor=False)
        case "other service":
            client = hire("manager", service="waste")
        case _:
            client = hire(role)
    allowed = {"manager", "administrator"} | ({"reader", "agent"} if name in READ else set())
    expected = (
        (302 if name == "desk-question-act" else 200)
        if role in allowed
        else 302
        if role in {"nobody", "no factor"}
        else 403
    )
    answer = client.get(address(name, asked()))
    assert answer.status_code == expected
    if role in {"nobody", "no factor"}:
        assert answer.url.startswith("/account/staff?")


@pytest.mark.parametrize(
    ("role", "may"), [("reader", False), ("agent", True), ("manager", True), ("administrator", True)]
)
@pytest.mark.parametrize("do", ["move", "note", "assign", "hide"])
def test_verbs_by_role(role, may, do, hire, asked, town):
    case = asked(public=True)
    before = cases.Step.objects.count()
    sent = {"do": do, "transition": "answer", "words": "Voici", "team": town.roads.pk}
    assert hire(role).post(f"/desk/questions/{case.code}/act", sent).status_code == (302 if may else 403)
    assert (cases.Step.objects.count() > before) is may


def test_grants_narrowed_to_a_subject(hire, asked, started):
    mine, other = asked(topic="ask-papers"), asked(topic="ask-taxes")
    account = people.create_staff(
        email="x@town.test",
        password="long enough to be one",
        name="X",
        grants=[("agent", "reports", None, ["ask-papers"])],
    )
    from toguna.engines.people.testing import sign_in

    client = Client()
    sign_in(client, account)
    page = client.get("/desk/questions/").content.decode()
    assert mine.code in page and other.code not in page
    assert client.get(f"/desk/questions/{other.code}").status_code == 404
    assert client.post(f"/desk/questions/{other.code}/act", {"do": "note", "words": "x"}).status_code == 404


# The answers that are there


@pytest.mark.parametrize(
    ("words", "slug"),
    [
        ("Comment avoir un extrait d'acte de naissance pour mon bébé ?", "birth-certificate"),
        ("acte de naisance", "birth-certificate"),  # a letter missing
        ("como registar o nascimento do meu filho", "birth-certificate"),
        ("where can I declare a birth", "birth-certificate"),
        ("Je veux une place au marché pour vendre des légumes", "market-stall"),
        ("quero um lugar no mercado", "market-stall"),
        ("Quel jour passe le camion des ordures ?", "waste-days"),
        ("lixo recolha dia", "waste-days"),
        ("On veut se marier", "marriage"),
        ("payer la taxe avec un recu", "taxes"),  # no accent
        ("Faut-il un permis pour construire un mur", "building-permit"),
        ("inscrire ma fille à l'ecole", "school"),
        ("A quelle heure ouvre la mairie", "opening-hours"),
        ("certificado de morada", "residence-certificate"),
        ("mon père est mort, comment l'enterrer", "death"),
        ("Who owns this plot of land", "land"),
    ],
)
def test_the_right_answer_comes_first(words, slug, started):
    found = articles.similar(words)
    assert found and found[0].article.slug == slug
    assert len(found) <= articles.OFFERED


@pytest.mark.parametrize("words", ["", "?", "a b c", "xyzzy plugh", "\0", "' OR 1=1 --", "😀" * 50, "de la le les"])
def test_nothing_is_offered_for_nothing(words, started):
    assert articles.similar(words) == []


def test_closed_articles_and_private_questions_are_never_offered(started, asked):
    words = "Où se trouve la piscine olympique municipale ?"
    private, public, waiting = asked(words), asked(words, public=True), asked(words, public=True)
    for case in (private, public):
        cases.move(case.pk, "answer", by=SYSTEM, words="Rue 12")
    assert [o.question for o in articles.similar("la piscine olympique")] == [public]
    assert articles.similar("la piscine olympique", questions=False) == []
    assert articles.similar("la piscine olympique", without=public.pk) == []
    cases.hide(public.pk, "x", by=SYSTEM)
    assert articles.similar("la piscine olympique") == []
    assert waiting.open
    Article.objects.filter(slug="land").update(active=False)
    assert "land" not in [o.article.slug for o in articles.similar("terrain parcelle titre foncier") if o.article]


def test_finding_takes_the_same_statements_whatever_there_is(started, asked):
    def statements() -> int:
        with CaptureQueriesContext(connection) as seen:
            articles.similar("place au marché pour vendre")
        return len(seen)

    first = statements()
    for n in range(20):
        cases.move(asked(f"Une place au marché {n}", public=True).pk, "answer", by=SYSTEM, words="Oui")
    assert statements() <= first + 1 <= 4


def test_this_answered_me_is_counted_once_a_day(started, client):
    client.get("/ask/")  # its cookie
    for _n in range(3):
        assert client.post("/ask/answers/land/helped", follow=True).status_code == 200
    client.get("/ask/answers/land/helped")
    assert Article.objects.get(slug="land").helped == 1
    other = Client()
    other.get("/ask/")
    other.post("/ask/answers/land/helped")
    assert Article.objects.get(slug="land").helped == 2


# Asking


def test_the_whole_life_of_a_question(started, client, hire, town, run_jobs):
    actions.give_topics({started["ask-trade"].pk: town.roads.pk}, by=SYSTEM)
    first = client.post("/ask/", {"text": "Combien coûte une place au marché ?"})
    page = first.content.decode()
    assert "/ask/answers/market-stall/helped" in page
    client_id = re.search(r'name="client_id" value="([^"]+)"', page)[1]
    sent = body(
        client_id=client_id, text="Combien coûte une place au marché ?", topic="ask-trade", contact="awa@example.org"
    )
    thanks = client.post("/ask/", sent)
    again = client.post("/ask/", sent)
    assert thanks.url == again.url and cases.Case.objects.filter(type="questions").count() == 1
    case = cases.Case.objects.get(type="questions")
    assert (case.team, case.public, case.point, case.zone) == (town.roads, False, None, None)
    assert case.code[:3] in client.get(thanks.url).content.decode()
    run_jobs()
    letter = Message.objects.get(address="awa@example.org")
    assert f"/ask/{case.code}?key=" in letter.text
    assert f"/desk/questions/{case.code}" in Message.objects.get(address="voirie@town.test").text
    key = cases.key_of(case)

    agent = hire("agent")
    shown = agent.get(f"/desk/questions/{case.code}?article=market-stall").content.decode()
    assert "régisseur du marché" in re.search(r'<textarea id="words".*?</textarea>', shown, re.S)[0]
    assert "awa@example.org" not in shown
    assert "awa@example.org" in agent.get(f"/desk/questions/{case.code}?reporter=show").content.decode()
    assert AuditEntry.objects.filter(action="questions.read_reporter", account=agent.account.pk).count() == 1
    empty = {"do": "move", "transition": "answer", "seen": "received", "words": " "}
    agent.post(f"/desk/questions/{case.code}/act", empty)
    case.refresh_from_db()
    assert case.open
    agent.post(f"/desk/questions/{case.code}/act", {**empty, "words": "500 francs par jour."})
    case.refresh_from_db()
    assert (case.state, case.open) == ("answered", False)
    run_jobs()
    assert "500 francs" in Message.objects.filter(address="awa@example.org").order_by("id").last().text

    assert client.get("/reports/follow", {"code": case.code}).url == f"/ask/{case.code}"
    by_code = client.get(f"/ask/{case.code}").content.decode()
    assert "500 francs" in by_code and "Combien coûte" not in by_code and 'name="transition"' not in by_code
    by_link = client.get(f"/ask/{case.code}?key={key}").content.decode()
    assert "Combien coûte" in by_link and 'value="contest"' in by_link

    for wrong in ("", "x", key[:-1]):
        client.post(f"/ask/{case.code}/answer", {"key": wrong, "transition": "contest", "words": "Et le dimanche ?"})
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "contest", "words": " "})
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "reopen", "words": "x"})
    case.refresh_from_db()
    assert not case.open
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "contest", "words": "Et le dimanche ?"})
    case.refresh_from_db()
    assert (case.state, case.open) == ("received", True)
    run_jobs()
    assert Message.objects.filter(address="voirie@town.test", text__contains="dimanche").count() == 1
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "words", "words": "Merci d'avance"})
    assert cases.Step.objects.filter(case=case, action="answered").count() == 1
    agent.post(f"/desk/questions/{case.code}/act", {**empty, "words": "Le même prix."})
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "thank"})
    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=29))
    client.post(f"/ask/{case.code}/answer", {"key": key, "transition": "contest", "words": "encore"})
    case.refresh_from_db()
    assert case.state == "answered"


def test_public_only_when_the_person_agrees(started, client, hire):
    client.post("/ask/", body(text="Question privée"))
    client.post("/ask/", body(text="Question ouverte", open_to_all="on"))
    private, public = cases.Case.objects.filter(type="questions").order_by("id")
    assert (private.public, public.public) == (False, True)
    assert "Question ouverte" in client.get(f"/ask/{public.code}").content.decode()
    manager = hire("manager")
    manager.post(f"/desk/questions/{private.code}/act", {"do": "show"})
    private.refresh_from_db()
    assert not private.public  # whoever asked did not agree: the town hall cannot either
    manager.post(f"/desk/questions/{public.code}/act", {"do": "hide", "words": "un nom"})
    assert "Question ouverte" not in client.get(f"/ask/{public.code}").content.decode()
    manager.post(f"/desk/questions/{public.code}/act", {"do": "show"})
    assert "Question ouverte" in client.get(f"/ask/{public.code}").content.decode()
    with pytest.raises(access.Denied):
        actions.show(public.pk, by=NOBODY)


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "}, {"text": "x" * 4001}, {"topic": "pothole"}, {"topic": ""}, {"client_id": "x"}, {"contact": "not a number"},
        {"text": "\x00\u202e"},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_in_words(wrong, started, client):
    page = client.post("/ask/", body(**wrong))
    assert page.status_code == 422 and "errors" in page.content.decode()
    assert not cases.Case.objects.filter(type="questions").exists()


def test_a_subject_closed_meanwhile(started, client):
    cases.Topic.objects.filter(slug="ask-other").update(active=False)
    page = client.post("/ask/", body())
    assert page.status_code == 422 and "piscine" in page.content.decode()  # what was typed is not lost


def test_the_limits_are_those_of_reports(started, client):
    client.get("/ask/")
    sent = [client.post("/ask/", body()).status_code for _n in range(21)]
    assert sent == [302] * 20 + [429]
    assert [Client().post("/ask/", body(contact="+22365012345")).status_code for _n in range(21)][-1] == 429


def test_reports_do_not_show_questions(asked, client, hire):
    case = asked("Une question rare", public=True)
    assert case.code not in client.get("/reports/").content.decode()
    assert client.get(f"/reports/{case.code}").status_code == 404
    assert case.code not in client.get(reverse("reports-feed")).content.decode()
    agent = hire("agent")
    assert case.code not in agent.get("/desk/reports/?view=all").content.decode()
    assert case.code in agent.get("/desk/questions/").content.decode()


# Setting up


def test_an_article_is_made_of_an_answer(asked, hire, client):
    case = asked("Peut-on camper au parc ?", public=True, language="fr")
    cases.move(case.pk, "answer", by=SYSTEM, words="Non, sauf le jour de la fête.")
    manager = hire("manager")
    page = manager.get(f"/desk/articles/new?from={case.code}").content.decode()
    assert "Peut-on camper" in page and "sauf le jour de la fête" in page
    made = {"titles_fr": "Camper au parc", "texts_fr": "Non.", "keywords": "tente", "active": "on", "order": "5"}
    answer = manager.post(f"/desk/articles/new?from={case.code}", made)
    row = Article.objects.get(slug="camper-au-parc")
    assert answer.url == "/desk/articles/camper-au-parc" and row.active
    assert articles.similar("une tente au parc", questions=False)[0].article == row
    manager.post("/desk/articles/camper-au-parc", {**made, "titles_pt": "Acampar", "texts_pt": "Não.", "active": ""})
    row.refresh_from_db()
    assert row.titles == {"fr": "Camper au parc", "pt": "Acampar"} and not row.active
    assert client.get("/ask/answers/camper-au-parc").status_code == 404
    assert AuditEntry.objects.filter(action="reports.article").count() == 2


@pytest.mark.parametrize(
    "wrong", [{"titles_fr": "", "texts_fr": ""}, {"texts_fr": ""}, {"titles_pt": "Só"}, {"order": "-1"}]
)
def test_an_article_needs_its_words(wrong, started, hire):
    before = Article.objects.count()
    made = {"titles_fr": "T", "texts_fr": "x", "keywords": "", "order": "5", **wrong}
    assert hire("manager").post("/desk/articles/new", made).status_code == 422
    assert Article.objects.count() == before


def test_who_answers_what(started, hire, town, asked):
    manager = hire("manager")
    papers, taxes = started["ask-papers"], started["ask-taxes"]
    manager.post("/desk/questions/teams", {f"team_{papers.pk}": town.roads.pk, f"team_{taxes.pk}": town.water.pk})
    assert asked().team == town.roads and asked(topic="ask-taxes").team == town.water
    manager.post("/desk/questions/teams", {f"team_{papers.pk}": town.water.pk, f"team_{taxes.pk}": ""})
    assert asked().team == town.water and asked(topic="ask-taxes").team is None
    manager.post("/desk/questions/teams", {f"team_{papers.pk}": "99999999"})
    assert cases.Rule.objects.filter(case_type="questions").count() == 0
    assert cases.Rule.objects.filter(case_type="reports").count() == 2  # theirs are left alone


def test_starting_twice_changes_nothing(started):
    Article.objects.filter(slug="land").update(titles={"fr": "À nous"})
    Article.objects.filter(slug="school").delete()
    starter.load()
    assert (
        Article.objects.get(slug="land").titles == {"fr": "À nous"}
        and not Article.objects.filter(slug="school").exists()
    )
    assert all(set(a.titles) == set(a.texts) == {"fr", "pt", "en"} for a in Article.objects.exclude(slug="land"))
    assert cases.Topic.objects.filter(case_type="questions").count() == len(started)


def test_the_list_puts_the_longest_waiting_first(asked, hire):
    rows = [asked(f"Question {n}") for n in range(3)]
    cases.Case.objects.filter(pk=rows[2].pk).update(due=timezone.now() - timedelta(days=2))
    cases.move(rows[0].pk, "answer", by=SYSTEM, words="Oui")
    agent = hire("agent")
    page = agent.get("/desk/questions/").content.decode()
    assert page.index(rows[2].code[:3]) < page.index(rows[1].code[:3]) and f"/desk/questions/{rows[0].code}" not in page
    assert f"/desk/questions/{rows[0].code}" in agent.get("/desk/questions/?view=all").content.decode()


def test_forgetting(asked):
    case = asked("Mon nom est Awa", email="awa@example.org", name="Awa")
    cases.move(case.pk, "answer", by=SYSTEM, words="Bien Awa")
    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=731))
    from toguna.engines.cases import retention

    retention.run()
    case.refresh_from_db()
    assert case.text == "" and case.reporter is None
    page = Client().get(f"/ask/{case.code}")
    assert page.status_code == 200 and "Awa" not in page.content.decode()


def test_its_type_is_sound():
    assert list(QUESTION.problems()) == []
