"""Setting up through its pages: categories, questions, who gets what, ready answers."""

from __future__ import annotations

from datetime import datetime, time

import pytest
from django.contrib.gis.geos import Point
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel.access import MANAGER, SYSTEM, Actor, Denied, Grant
from toguna.kernel.models import AuditEntry
from toguna.services.reports import topics
from toguna.services.reports.casetype import REPORT
from toguna.services.reports.setup import rows

PAGES = (
    "/desk/setup/", "/desk/setup/new", "/desk/setup/categories/pothole", "/desk/setup/categories/pothole/questions",
    "/desk/setup/categories/pothole/preview", "/desk/setup/categories/pothole/close", "/desk/setup/rules/", "/desk/setup/templates/",
)  # fmt: skip


def values(**changes) -> dict[str, object]:
    return {
        "names_fr": "Fuite d'eau", "names_pt": "Fuga de água", "names_en": "", "icon": "broken-pipe", "parent": "", "layer": "",
        "days": 3, "near_m": 40, "reopen_days": 28, "ask_days": 28, "keep_days": 365, "public": "on", **changes,
    }  # fmt: skip


@pytest.fixture(autouse=True)
def bare(town):
    """No category asks anything of its own yet."""
    cases.Topic.objects.update(questions=[], stop={})
    topics.forget()


@pytest.mark.parametrize("address", PAGES)
@pytest.mark.parametrize("role", ["nobody", "", "reader", "agent", "manager", "administrator"])
def test_who_opens_it(role, address, hire, town):
    client = Client() if role == "nobody" else hire(role)
    expected = 200 if role in ("manager", "administrator") else 302 if role == "nobody" else 403
    assert client.get(address).status_code == expected


def test_every_verb_is_refused_to_who_may_not(town):
    topic, rule = town.topics["pothole"], cases.Rule.objects.get(topic=town.topics["pothole"])
    row = cases.save_template(REPORT, None, titles={"fr": "a"}, texts={"fr": "b"}, topic=None, transition="", by=SYSTEM)
    audits = AuditEntry.objects.count()
    agent = Actor(account=5, staff=True, grants=(Grant("agent", "reports"),))
    noise = Actor(account=6, staff=True, grants=(Grant(MANAGER, "reports", subjects=frozenset({"noise"})),))
    south = Actor(account=7, staff=True, grants=(Grant(MANAGER, "reports", zones=frozenset({town.south.pk})),))
    for by in (agent, noise, south):
        for verb in (
            lambda by: cases.save_topic(REPORT, topic, {"days": 1}, by=by),
            lambda by: cases.save_topic(REPORT, None, {"names": {"fr": "x"}}, by=by),
            lambda by: cases.save_questions(REPORT, topic, [], by=by),
            lambda by: cases.reorder(REPORT, topic, up=False, by=by),
            lambda by: cases.open_topic(REPORT, topic, by=by),
            lambda by: cases.close_topic(REPORT, topic, by=by),
            lambda by: cases.save_rule(REPORT, None, cases.WhoGets(team=town.roads.pk), by=by),
            lambda by: cases.save_rule(REPORT, rule, cases.WhoGets(team=town.water.pk, topic=topic), by=by),
            lambda by: cases.remove_rule(REPORT, rule, by=by),
            lambda by: cases.save_template(
                REPORT, row, titles={"fr": "c"}, texts={"fr": "d"}, topic=topic, transition="", by=by
            ),
            lambda by: cases.remove_template(REPORT, row, by=by),
        ):
            with pytest.raises(Denied):
                verb(by)
    assert AuditEntry.objects.count() == audits
    # Each within their reach:
    cases.save_topic(REPORT, town.topics["noise"], {"days": 1}, by=noise)
    cases.save_rule(REPORT, None, cases.WhoGets(team=town.water.pk, zone=town.south.pk), by=south)
    with pytest.raises(Denied):  # not taking a rule of the whole town into one's own district
        cases.save_rule(REPORT, rule, cases.WhoGets(team=town.water.pk, topic=topic, zone=town.south.pk), by=south)


# -- Categories --


def test_a_category_made_looked_at_opened_and_used(hire, town, fields):
    head = hire("manager")
    made = head.post("/desk/setup/new", values())
    assert made.headers["Location"] == "/desk/setup/categories/fuite-d-eau"
    assert "fuite-d-eau" not in Client().get("/reports/new").content.decode()
    assert "Fuite d" in head.get("/desk/setup/categories/fuite-d-eau/preview").content.decode()
    head.post("/desk/setup/", {"do": "open", "topic": "fuite-d-eau"})
    assert "fuite-d-eau" in Client().get("/reports/new").content.decode()
    assert Client().post("/reports/new/fuite-d-eau", fields()).status_code == 302
    case = cases.Case.objects.get()
    assert case.topic.names == {"fr": "Fuite d'eau", "pt": "Fuga de água"} and (case.due - case.created).days == 3
    audited = AuditEntry.objects.filter(action="reports.topic", subject=f"cases.topic:{case.topic_id}")
    assert [entry.account for entry in audited] == [head.account.pk] * 2


def test_what_changed_is_on_record(hire, town):
    head = hire("manager")
    before = town.topics["pothole"]
    body = values(**{f"names_{code}": words for code, words in before.names.items()}, icon=before.icon, days=99)
    assert head.post("/desk/setup/categories/pothole", body).status_code == 302
    entry = AuditEntry.objects.get(action="reports.topic")
    assert entry.data["days"] == [7, 99] and "names" not in entry.data
    assert head.post("/desk/setup/categories/pothole", body).status_code == 302  # nothing changed: nothing to record
    assert AuditEntry.objects.filter(action="reports.topic").count() == 1
    assert topics.topic("pothole").days == 99  # at once, whatever was kept in memory


@pytest.mark.parametrize(
    "wrong",
    [{"names_fr": "", "names_pt": " "}, {"days": 0}, {"days": "x"}, {"keep_days": 0}, {"near_m": -1}, {"icon": "skull"}, {"layer": "nope"}, {"parent": "999999"}, {"ask_days": 10**9}],
)  # fmt: skip
def test_bad_categories_are_refused_in_words(hire, town, wrong):
    response = hire("manager").post("/desk/setup/new", values(**wrong))
    assert response.status_code == 422 and 'id="errors"' in response.content.decode()
    assert cases.Topic.objects.count() == len(town.topics)


def test_names_that_are_alike_get_other_slugs(hire, town):
    head = hire("manager")
    for _ in range(3):
        head.post("/desk/setup/new", values())
    head.post("/desk/setup/new", values(names_fr="日本", names_pt=""))
    found = cases.Topic.objects.exclude(slug__in=town.topics).order_by("order").values_list("slug", flat=True)
    assert list(found) == ["fuite-d-eau", "fuite-d-eau-2", "fuite-d-eau-3", "topic"]


def test_two_levels_and_no_ring(town):
    above, below = town.topics["pothole"], town.topics["noise"]
    cases.save_topic(REPORT, below, {"parent": above.pk}, by=SYSTEM)
    for topic, parent in (
        (above, below),
        (above, above),
        (town.topics["flooding"], below),
        (above, town.topics["flooding"]),
    ):
        with pytest.raises(cases.Refused):
            cases.save_topic(REPORT, topic, {"parent": parent.pk}, by=SYSTEM)


def test_up_and_down(hire, town):
    head = hire("manager")

    def order() -> list[str]:
        topics.forget()
        return [t.slug for t in topics.topics()]

    first, second, *rest = order()
    head.post("/desk/setup/", {"do": "down", "topic": first})
    assert order() == [second, first, *rest]
    head.post("/desk/setup/", {"do": "up", "topic": first})
    head.post("/desk/setup/", {"do": "up", "topic": first})  # it is the first already
    assert order() == [first, second, *rest]


def test_a_stop_message_stops(hire, town, fields):
    head = hire("manager")
    head.post("/desk/setup/new", values(stop_fr="Appelez la SOMAGEP au 80 00 11 11"))
    head.post("/desk/setup/", {"do": "open", "topic": "fuite-d-eau"})
    assert "80 00 11 11" in head.get("/desk/setup/categories/fuite-d-eau/preview").content.decode()
    said = Client().post("/reports/new/fuite-d-eau", fields(), headers={"accept-language": "fr"})
    assert "80 00 11 11" in said.content.decode() and cases.Case.objects.count() == 0


# -- Closing --


@pytest.mark.parametrize("then", ["stay", "move"])
def test_what_becomes_of_open_reports(hire, opened, town, then):
    head, mine, done = hire("manager"), opened("pothole"), opened("pothole")
    cases.move(done.pk, "solve", by=SYSTEM)
    assert "1" in head.get("/desk/setup/categories/pothole/close").content.decode()
    head.post("/desk/setup/categories/pothole/close", {"then": then, "into": "flooding"})
    due, team = mine.due, mine.team_id
    for row in (mine, done):
        row.refresh_from_db()
    assert mine.topic.slug == ("pothole" if then == "stay" else "flooding") and done.topic.slug == "pothole"
    assert (mine.due, mine.team_id) == (due, team)
    assert not cases.Topic.objects.get(slug="pothole").active
    steps = list(cases.timeline(mine, whole=True).values_list("action", "data"))
    assert (("corrected", {"before": {"topic": "pothole"}, "now": {"topic": "flooding"}}) in steps) == (then == "move")
    assert AuditEntry.objects.filter(action="reports.topic").exists()


@pytest.mark.parametrize(
    "body", [{}, {"then": "move"}, {"then": "move", "into": "pothole"}, {"then": "move", "into": "noise"}]
)
def test_nothing_is_closed_without_saying_what_becomes_of_them(hire, opened, town, body):
    opened("pothole")
    cases.close_topic(REPORT, town.topics["noise"], by=SYSTEM)
    hire("manager").post("/desk/setup/categories/pothole/close", body)
    assert cases.Topic.objects.get(slug="pothole").active


def test_closed_while_somebody_fills_the_form(town, fields, hire):
    """They are told so, keep every word, and send it under another category in one press."""
    resident = Client()
    assert resident.get("/reports/new/pothole?all=1").status_code == 200
    hire("manager").post("/desk/setup/categories/pothole/close", {"then": "stay"})
    sent = fields(text="Devant chez la couturière", name="Awa", contact="+22376000001")
    answer = resident.post("/reports/new/pothole", sent)
    said = answer.content.decode()
    assert answer.status_code == 422 and cases.Case.objects.count() == 0
    for words in ("Devant chez la couturière", "Awa", "+22376000001", "Derrière la mosquée", sent["client_id"]):
        assert words in said
    assert 'formaction="/reports/new/flooding"' in said and 'formaction="/reports/new/pothole"' not in said
    assert resident.post("/reports/new/flooding", sent).status_code == 302
    assert cases.Case.objects.get().topic.slug == "flooding"


def test_what_goes_to_a_private_category_is_private(opened, town):
    case = opened("pothole", text="Chez Mariam")
    cases.save_topic(REPORT, town.topics["noise"], {"public": False}, by=SYSTEM)
    assert "Chez Mariam" in Client().get(f"/reports/{case.code}").content.decode()
    noise = cases.Topic.objects.get(slug="noise")
    assert cases.close_topic(REPORT, town.topics["pothole"], into=noise, by=SYSTEM) == 1
    assert "Chez Mariam" not in Client().get(f"/reports/{case.code}").content.decode()


# -- Questions --


def test_a_question_made_with_buttons_and_answered(hire, town, fields):
    head, address = hire("manager"), "/desk/setup/categories/pothole/questions"
    assert 'name="q0-kind"' in head.post(address, {"do": "add"}).content.decode()
    body = {"q0-name": "", "q0-kind": "singlevaluelist", "q0-label-fr": "Quelle taille ?", "q0-required": "on"}
    shown = head.post(address, {**body, "do": "more-0"}).content.decode()
    assert 'name="q0-v0-key"' in shown and "Quelle taille ?" in shown
    assert cases.Topic.objects.get(slug="pothole").questions == []  # nothing is kept before it is saved
    body |= {
        "q0-v0-key": "", "q0-v0-name-fr": "Petite", "q0-v1-key": "", "q0-v1-name-fr": "Grande",
        "q0-v1-stop-fr": "Appelez la région au 20 22", "do": "save",
    }  # fmt: skip
    assert head.post(address, body).status_code == 302
    assert cases.Topic.objects.get(slug="pothole").questions == [
        {
            "name": "quelle_taille", "kind": "singlevaluelist", "label": {"fr": "Quelle taille ?"}, "required": True,
            "values": [{"key": "petite", "name": {"fr": "Petite"}}, {"key": "grande", "name": {"fr": "Grande"}, "stop": {"fr": "Appelez la région au 20 22"}}],
        }
    ]  # fmt: skip
    preview = head.get("/desk/setup/categories/pothole/preview").content.decode()
    assert "Quelle taille ?" in preview and "Petite" in preview
    form = Client().get("/reports/new/pothole?all=1").content.decode()
    assert "Quelle taille ?" in form


@pytest.mark.parametrize(
    "body",
    [
        {"q0-kind": "string"},  # no words
        {"q0-kind": "soup", "q0-label-fr": "x"},
        {"q0-kind": "singlevaluelist", "q0-label-fr": "x"},  # no choices
        {"q0-kind": "string", "q0-label-fr": "x", "q0-name": "A B"},
        {
            "q0-kind": "string",
            "q0-label-fr": "x",
            "q0-name": "a",
            "q1-kind": "string",
            "q1-label-fr": "x",
            "q1-name": "a",
        },
        {f"q{n}-{part}": value for n in range(13) for part, value in (("kind", "string"), ("label-fr", "x"))},
    ],
)
def test_bad_questions_are_refused_and_kept_on_the_page(hire, town, body):
    response = hire("manager").post("/desk/setup/categories/pothole/questions", {**body, "do": "save"})
    assert response.status_code == 200 and "notice error" in response.content.decode()
    assert 'name="q0-kind"' in response.content.decode()
    assert cases.Topic.objects.get(slug="pothole").questions == []


_ROWS = st.lists(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(cases.QUESTION_KINDS), "label": st.fixed_dictionaries({"fr": st.text("aé1 ?", min_size=1)})},
        optional={"values": st.lists(st.fixed_dictionaries({"name": st.fixed_dictionaries({"fr": st.text("bç2 ", min_size=1)})}), max_size=4)},
    ),
    max_size=6,
)  # fmt: skip


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    made=_ROWS, buttons=st.lists(st.from_regex(r"(add|remove|up|down|more|less)(-\d){0,3}", fullmatch=True), max_size=8)
)
def test_buttons_never_break_and_the_page_gives_back_what_it_was_given(made, buttons):
    for button in buttons:
        made = rows.press(made, button)
    sent: dict[str, str] = {}
    for row in rows.shown(made):
        start = f"q{row['n']}-"
        sent |= {f"{start}kind": row["kind"], f"{start}name": row["name"]}
        sent |= {name: value for name, _code, _language, value in row["labels"]}
        for value in row["values"]:
            sent[f"{start}v{value['m']}-key"] = value["key"]
            sent |= {name: words for name, _code, _language, words in value["names"]}
    again = rows.read(sent)
    assert [(r["kind"], len(r.get("values", []))) for r in again] == [
        (r["kind"], len(r.get("values", []))) for r in made
    ]
    done = rows.finished(again)
    assert len({r["name"] for r in done}) == len(done)
    assert all(len({v["key"] for v in r.get("values", [])}) == len(r.get("values", [])) for r in done)
    assert rows.finished(rows.read(_sent(done))) == done  # saved, opened and saved again: the same


def _sent(done) -> dict[str, str]:
    sent: dict[str, str] = {}
    for row in rows.shown(done):
        start = f"q{row['n']}-"
        sent |= {f"{start}kind": row["kind"], f"{start}name": row["name"]}
        sent |= {name: value for name, _c, _l, value in row["labels"]}
        for value in row["values"]:
            sent[f"{start}v{value['m']}-key"] = value["key"]
            sent |= {name: words for name, _c, _l, words in [*value["names"], *value["stops"]]}
    return sent


# -- Who gets what --


def test_a_rule_added_changed_and_removed(hire, town, opened):
    head = hire("manager")
    noise = town.topics["noise"]
    body = {
        "topic": noise.pk,
        "zone": town.north.pk,
        "weekdays": ["6", "7"],
        "start": "22:00",
        "end": "06:00",
        "team": town.water.pk,
    }
    assert head.post("/desk/setup/rules/", body).status_code == 302
    rule = cases.Rule.objects.get(topic=noise)
    assert (rule.weekdays, rule.start, rule.end, rule.zone_id) == ([6, 7], time(22), time(6), town.north.pk)
    again = head.post("/desk/setup/rules/", body)
    assert again.status_code == 422 and cases.Rule.objects.filter(topic=noise).count() == 1
    assert head.post(f"/desk/setup/rules/{rule.pk}", {"topic": noise.pk, "team": town.roads.pk}).status_code == 302
    assert opened("noise").team_id == town.roads.pk
    assert head.post(f"/desk/setup/rules/{rule.pk}", {"do": "remove"}).status_code == 302
    assert not cases.Rule.objects.filter(topic=noise).exists()
    actions = list(
        AuditEntry.objects.filter(subject=f"cases.rule:{rule.pk}").order_by("id").values_list("action", flat=True)
    )
    assert actions == ["reports.rule", "reports.rule", "reports.rule_removed"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"team": ""},
        {"team": "999999"},
        {"weekdays": "8"},
        {"start": "25:00"},
        {"start": "08:00", "end": "08:00"},
        {"zone": "x"},
    ],
)
def test_bad_rules_are_refused_in_words(hire, town, wrong):
    before = cases.Rule.objects.count()
    response = hire("manager").post("/desk/setup/rules/", {"team": town.roads.pk, **wrong})
    assert response.status_code == 422 and 'id="errors"' in response.content.decode()
    assert cases.Rule.objects.count() == before


def test_who_would_get_it_says_who_gets_it(hire, town):
    """What the trial says is what happens: for a case opened there and then."""
    head, noise = hire("manager"), town.topics["noise"]
    save = lambda **w: cases.save_rule(REPORT, None, cases.WhoGets(**w), by=SYSTEM)  # noqa: E731
    save(team=town.roads.pk)
    save(team=town.water.pk, topic=noise, zone=town.south.pk)
    night = people.Team.objects.create(slug="nuit", names={"fr": "Équipe de nuit"})
    save(team=night.pk, topic=noise, start=time(22), end=time(6))
    for zone, at, expected in (
        (town.north, "2026-03-04T12:00", "Voirie"),
        (town.north, "2026-03-04T23:30", "Équipe de nuit"),
        (town.south, "2026-03-04T23:30", "Eau"),  # the smaller zone comes before the hours
    ):
        said = head.get("/desk/setup/rules/", {"topic": noise.pk, "zone": zone.pk, "at": at}).content.decode()
        told = said.split('role="status"')[1].split("</strong>")[0]
        assert told.endswith(expected), zone
        from toguna.engines.cases.routing import team_for
        from toguna.engines.territory import api as territory

        moment = timezone.make_aware(datetime.fromisoformat(at))
        team = team_for("reports", [noise.pk], territory.chain(zone.pk), moment)
        assert people.Team.objects.get(pk=team).names["fr"] == expected
    by_point = head.get(
        "/desk/setup/rules/", {"topic": noise.pk, "position": "0.5, 1.5", "at": "2026-03-04T12:00"}
    ).content.decode()
    assert by_point.split('role="status"')[1].split("</strong>")[0].endswith("Eau")
    assert Point(1.5, 0.5).within(town.south.geom)


@pytest.mark.parametrize(
    "wrong", [{"position": "nowhere"}, {"position": "50, 50"}, {"at": "yesterday"}, {"topic": "999999"}]
)
def test_a_trial_that_makes_no_sense(hire, town, wrong):
    response = hire("manager").get("/desk/setup/rules/", {"topic": town.topics["noise"].pk, **wrong})
    said = response.content.decode()
    assert response.status_code == 200 and 'id="errors"' in said and 'role="status"' not in said


def test_categories_that_nobody_gets_are_named(hire, town):
    found = {t.slug: missing for t, missing in cases.without_team(REPORT)}
    assert "pothole" not in found and found["noise"] == [] and found["water-point"] == ["Nord"]
    cases.save_rule(
        REPORT,
        None,
        cases.WhoGets(team=town.roads.pk, topic=town.topics["noise"], start=time(8), end=time(17)),
        by=SYSTEM,
    )
    assert "noise" in {t.slug for t, _m in cases.without_team(REPORT)}  # at night nobody gets it
    cases.save_rule(
        REPORT, None, cases.WhoGets(team=town.roads.pk, topic=town.topics["water-point"], zone=town.north.pk), by=SYSTEM
    )
    assert "water-point" not in {t.slug for t, _m in cases.without_team(REPORT)}
    cases.save_rule(REPORT, None, cases.WhoGets(team=town.roads.pk), by=SYSTEM)
    assert cases.without_team(REPORT) == []


# -- Ready answers --


def test_a_ready_answer(hire, town):
    head = hire("manager")
    body = {
        "titles_fr": "Travaux prévus",
        "texts_fr": "Nous venons lundi.",
        "topic": town.topics["pothole"].pk,
        "transition": "accept",
        "active": "on",
        "order": 5,
    }
    assert head.post("/desk/setup/templates/", body).status_code == 302
    row = cases.ReplyTemplate.objects.get()
    assert (row.titles, row.texts, row.transition, row.topic.slug) == (
        {"fr": "Travaux prévus"},
        {"fr": "Nous venons lundi."},
        "accept",
        "pothole",
    )
    assert "Travaux prévus" in head.get("/desk/setup/templates/").content.decode()
    head.post(f"/desk/setup/templates/{row.pk}", {**body, "texts_fr": "Nous venons mardi.", "topic": ""})
    row.refresh_from_db()
    assert row.texts == {"fr": "Nous venons mardi."} and row.topic is None
    head.post(f"/desk/setup/templates/{row.pk}", {"do": "remove"})
    assert not cases.ReplyTemplate.objects.exists()
    assert AuditEntry.objects.filter(action__startswith="reports.template").count() == 3


@pytest.mark.parametrize(
    "wrong", [{"titles_fr": ""}, {"texts_fr": " "}, {"transition": "thank"}, {"topic": "999999"}, {"order": -1}]
)
def test_bad_ready_answers_are_refused_in_words(hire, town, wrong):
    body = {"titles_fr": "a", "texts_fr": "b", "topic": "", "transition": "", "active": "on", "order": 5, **wrong}
    response = hire("manager").post("/desk/setup/templates/", body)
    assert response.status_code == 422 and 'id="errors"' in response.content.decode()
    assert not cases.ReplyTemplate.objects.exists()


def test_pictograms_are_those_that_are_drawn():
    from toguna.services.reports.setup.forms import pictograms
    from toguna.site.icons import ICONS

    assert {icon for icon, _words in pictograms()} <= ICONS.keys()
