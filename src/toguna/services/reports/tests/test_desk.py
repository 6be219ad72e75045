"""The back office's desk: lists, many at once, the counter, what is taken away; and who may."""

from __future__ import annotations

import csv
import io
import uuid
import zipfile

import pytest
from django.test import Client

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.kernel import tables
from toguna.kernel.access import NOBODY, SYSTEM, Denied
from toguna.kernel.models import AuditEntry
from toguna.services.reports.desk import costs, exports

LIST = "/desk/reports/"


def table(client: Client, **asked) -> list[dict[str, str]]:
    data = b"".join(client.post(f"{LIST}export", {"format": "csv", **asked}, headers={"accept-language": "en"}))
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def codes_in(client: Client, query: str = "") -> set[str]:
    page = client.get(f"{LIST}?{query}")
    assert page.status_code == 200
    return {case.code for case, _state, _late in page.context["rows"]}


# Who may


@pytest.mark.parametrize(
    ("role", "new", "slip", "pdf", "bulk", "export", "keep"),
    [
        ("nobody", 302, 302, 302, 302, 302, 302),
        ("", 403, 403, 403, 403, 403, 403),
        ("reader", 403, 403, 403, 403, 403, 302),
        ("agent", 200, 200, 200, 200, 200, 302),
        ("manager", 200, 200, 200, 200, 200, 302),
        ("administrator", 200, 200, 200, 200, 200, 302),
    ],
)
def test_every_page_by_role(role, new, slip, pdf, bulk, export, keep, hire, opened):
    case, client = opened(), Client() if role == "nobody" else hire(role)
    assert client.get(f"{LIST}new").status_code == new
    assert client.get(f"{LIST}{case.code}/slip").status_code == slip
    assert client.get(f"{LIST}{case.code}/pdf").status_code == pdf
    for do in ("assign", "move", "merge", "export"):
        assert client.post(f"{LIST}bulk", {"do": do, "case": case.code}).status_code == bulk
    assert client.post(f"{LIST}export", {"format": "csv"}).status_code == export
    answer = client.post(f"{LIST}keep", {"name": "x", "query": "view=late"})
    assert answer.status_code == keep
    assert cases.SavedFilter.objects.exists() is (keep == 302 and role != "nobody")


def test_an_agent_for_one_category_in_one_district(hire, opened, town):
    """Sees, acts on, exports and bulk-acts on just that, whatever they put in the form."""
    client = hire()
    people.set_grants(client.account, [("agent", "reports", town.north.pk, ["pothole"])], by=SYSTEM)
    mine = opened("pothole", lon=0.5)
    others = [opened("pothole", lon=1.5), opened("street-light", lon=0.5)]
    every = [mine.code, *(c.code for c in others)]
    assert codes_in(client, "view=all") == {mine.code}
    for case in others:
        for page in ("", "/pdf", "/slip"):
            assert client.get(f"{LIST}{case.code}{page}").status_code == 404
        assert client.post(f"{LIST}{case.code}/act", {"do": "mine"}).status_code == 404
    assert [row["Code"] for row in table(client, case=every)] == [mine.code]
    form = {"do": "move", "transition": "accept", "case": every, "confirmed": "yes", "client_id": uuid.uuid4()}
    outcome = client.post(f"{LIST}bulk", form).context["outcome"]
    assert outcome.done == 1 and {code for code, _why in outcome.refused} == {c.code for c in others}
    assert set(cases.Case.objects.filter(state="accepted").values_list("code", flat=True)) == {mine.code}


def test_a_team_member_reads_but_does_not_export_elsewhere(hire, opened, town):
    """A case of the team outside the zone: read, and refused one by one."""
    case = opened()
    member = hire("agent", zone=town.south.pk, teams=[town.roads])
    form = {"do": "assign", "team": town.water.pk, "case": [case.code], "confirmed": "yes", "client_id": uuid.uuid4()}
    outcome = member.post(f"{LIST}bulk", form).context["outcome"]
    assert (outcome.done, [code for code, _why in outcome.refused]) == (0, [case.code])
    assert member.get(f"{LIST}{case.code}/pdf").status_code == 403


# The list


def test_filters(hire, opened, town):
    client = hire("agent", teams=[town.roads])
    hole = opened(text="Un trou Énorme", channel="phone")
    lamp = opened("street-light", lon=1.5, text="Éteinte")
    cases.support(hole.pk, by=NOBODY, device="a")
    cases.assign(hole.pk, by=SYSTEM, team=town.roads.pk, assignee=client.account.pk)
    for query, expected in {
        "q=énorme": {hole},
        f"q={lamp.code[:3]} {lamp.code[3:].lower()}": {lamp},
        "channel=phone": {hole},
        "channel=nonsense": {hole, lamp},
        "supporters=1": {hole},
        "team=none": {lamp},
        f"team={town.roads.pk}": {hole},
        "assignee=me": {hole},
        "assignee=none": {lamp},
        "photo=yes": set(),
        "transferred=yes": set(),
        "rating=5": set(),
        "until=2001-01-01": set(),
        "since=2001-01-01": {hole, lamp},
        "since=2001-99-99": {hole, lamp},
        f"zone={town.south.pk}": {lamp},
        "view=mine": {hole},
        "view=team": {hole},
        "view=late": set(),
        "q=%00": {hole, lamp},
    }.items():
        assert codes_in(client, query) == {c.code for c in expected}, query


def test_the_most_supported_first_page_after_page(hire, opened, monkeypatch):
    from toguna.engines.cases import reads

    monkeypatch.setattr(reads, "PAGE", 2)
    found = [opened() for _ in range(5)]
    for n, case in enumerate(found):
        cases.Case.objects.filter(pk=case.pk).update(supporters=[1, 3, 1, 0, 3][n])
    client, after, seen = hire("reader"), "", []
    for _ in range(4):
        page = client.get(LIST, {"sort": "supported", "after": after})
        seen += [case.code for case, _state, _late in page.context["rows"]]
        if not (after := page.context["after"]):
            break
    assert seen == [found[n].code for n in (4, 1, 2, 0, 3)]


def test_the_numbers_are_those_of_the_list(hire, opened, town):
    client = hire("agent", teams=[town.roads])
    late = opened()
    opened(lon=1.5)
    opened("street-light")
    cases.Case.objects.filter(pk=late.pk).update(due="2020-01-01T00:00Z", created="2020-01-01T00:00Z")
    sums = client.get(LIST).context["sums"]
    for view in ("mine", "team", "late", "open"):
        assert sums[view] == len(codes_in(client, f"view={view}")), view
    assert (sums["late"], sums["today"], sums["oldest"].year) == (1, 2, 2020)


def test_the_list_takes_few_statements(hire, opened, django_assert_max_num_queries, town):
    client = hire("agent", teams=[town.roads])
    [opened() for _ in range(12)]
    client.get(LIST)
    with django_assert_max_num_queries(12):
        client.get(LIST)


def test_kept_lists(hire, town):
    one, colleague, stranger = hire("agent", teams=[town.roads]), hire("agent", teams=[town.roads]), hire("agent")
    one.post(f"{LIST}keep", {"name": "Trous", "query": "topic=pothole&evil=1&after=9", "team": town.roads.pk})
    row = cases.SavedFilter.objects.get()
    assert row.query == "topic=pothole"
    assert [[f.name for f in c.get(LIST).context["saved"]] for c in (one, colleague, stranger)] == [["Trous"]] * 2 + [
        []
    ]
    stranger.post(f"{LIST}keep", {"name": "x", "query": "", "team": town.roads.pk})
    colleague.post(f"{LIST}keep", {"do": "forget", "filter": row.pk})
    assert cases.SavedFilter.objects.count() == 1
    one.post(f"{LIST}keep", {"do": "forget", "filter": row.pk})
    assert not cases.SavedFilter.objects.exists()


# Many at once


def test_each_is_answered_and_the_same_form_changes_nothing(hire, opened):
    client = hire("agent")
    good, bad = [opened() for _ in range(3)], opened()
    cases.move(bad.pk, "solve", by=SYSTEM)
    asked = {"do": "move", "case": [c.code for c in [*good, bad]]}
    page = client.post(f"{LIST}bulk", asked)
    assert len(page.context["rows"]) == 4 and not cases.Step.objects.filter(action="moved", case__in=good).exists()
    form = {**asked, "transition": "refuse", "words": "non", "confirmed": "yes", "client_id": page.context["client_id"]}
    for _ in range(2):
        outcome = client.post(f"{LIST}bulk", form).context["outcome"]
        assert outcome.done == 3 and [code for code, _why in outcome.refused] == [bad.code]
    assert cases.Step.objects.filter(action="moved", case__in=good).count() == 3


def test_all_of_a_list(hire, opened, monkeypatch):
    client = hire("agent")
    [opened() for _ in range(3)]
    opened("street-light")
    page = client.post(f"{LIST}bulk", {"do": "assign", "all": "yes", "query": "topic=pothole"})
    assert len(page.context["rows"]) == 3
    from toguna.services.reports.desk import bulk

    monkeypatch.setattr(bulk.cases, "MOST_BULK", 2)
    answer = client.post(f"{LIST}bulk", {"do": "assign", "all": "yes", "query": ""})
    assert answer.status_code == 302


def test_merging_the_ticked(hire, opened):
    client, found = hire("agent"), [opened() for _ in range(3)]
    form = {"do": "merge", "case": [c.code for c in found], "main": found[1].code, "confirmed": "yes"}
    outcome = client.post(f"{LIST}bulk", {**form, "client_id": uuid.uuid4()}).context["outcome"]
    assert outcome.done == 3 and cases.Case.objects.filter(merged_into=found[1]).count() == 2


# One report


def test_the_page_offers_what_can_be_done(hire, opened, town):
    client = hire("agent")
    case = opened(phone="+22370000001", name="Awa Secret", email="")
    other = opened(phone="+22370000001", name="Awa Secret", lon=1.5)
    close = opened(lon=0.5001)
    template = cases.ReplyTemplate.objects.create(
        case_type="reports", transition="refuse", titles={"fr": "Privé"}, texts={"fr": "C'est chez vous."}
    )
    page = client.get(f"{LIST}{case.code}?template={template.pk}")
    body = page.content.decode()
    assert "Awa" not in body and other.code in body and close.code in body
    assert page.context["words"] == "C'est chez vous." and page.context["possible"][0].name == "refuse"
    before = AuditEntry.objects.filter(action="reports.read_reporter").count()
    assert "Awa" in client.get(f"{LIST}{case.code}?reporter=show").content.decode()
    assert AuditEntry.objects.filter(action="reports.read_reporter").count() == before + 1


def test_all_that_is_done_on_the_page(hire, opened, town, picture):
    client = hire("agent", teams=[town.roads])
    case, other = opened(text="Un trou et une lampe"), opened(lon=0.5001)

    def act(**body):
        client.post(f"{LIST}{case.code}/act", {"client_id": uuid.uuid4(), **body})
        case.refresh_from_db()

    act(do="mine")
    assert case.assignee == client.account
    act(do="work", minutes="45", cost="12 500", what="Bitume")
    act(do="work", minutes="abc")
    assert [(w.minutes, w.cost) for w in case.works.all()] == [(45, 12500 * 10 ** costs._digits())]
    with io.BytesIO(picture) as file:
        file.name = "a.jpg"
        act(do="photo", moment="before", photos=file)
    assert case.photos.get().moment == "before"
    act(do="split", topic1="street-light", text1="La lampe", photo1=case.photos.get().pk)
    part = cases.Case.objects.get(topic__slug="street-light")
    assert part.photos.count() == 1 and part.point == case.point
    act(do="merge", other=[other.code])
    other.refresh_from_db()
    assert other.merged_into == case
    act(do="correct", topic="water-point", position="0.5, 1.5", place="Au puits", reroute="yes")
    assert (case.topic.slug, case.zone, case.team, case.place) == ("water-point", town.south, town.water, "Au puits")
    page = client.get(f"{LIST}{case.code}")
    assert page.status_code == 200 and page.context["spent"]["minutes"] == 45
    act(do="nonsense")
    act(do="assign", team=town.roads.pk, assignee=client.account.pk)
    act(do="assign", team=10**9)
    act(do="assign", team=town.water.pk, assignee=10**9)
    assert (case.team, case.assignee) == (town.roads, client.account)


# Setting right


def test_correct(opened, town):
    case = opened()
    with pytest.raises(Denied):
        cases.correct(case.pk, cases.Correction(zone=town.south.pk), by=NOBODY)
    with pytest.raises(cases.Outside):
        cases.correct(case.pk, cases.Correction(point=(9, 9)), by=SYSTEM)
    with pytest.raises(cases.Refused):
        cases.correct(case.pk, cases.Correction(), by=SYSTEM)
    once = uuid.uuid4()
    for _ in range(2):
        case = cases.correct(case.pk, cases.Correction(topic=town.topics["street-light"]), by=SYSTEM, client_id=once)
    assert case.steps.filter(action="corrected").count() == 1
    assert case.team == town.roads and case.due == cases.deadline(town.topics["street-light"], case.created)
    case = cases.correct(case.pk, cases.Correction(zone=town.south.pk), by=SYSTEM, reroute=True)
    assert case.point is None and case.zone == town.south and case.team is None
    private = town.topics["pothole"]
    private.public = False
    private.save()
    assert not cases.correct(case.pk, cases.Correction(topic=private), by=SYSTEM).public


# The counter


def test_the_counter(hire, opened, town, fields):
    client = hire("agent")
    client.account.person = people.Person.objects.create(name="L'agente")
    client.account.save()
    opened(phone=people.normal_phone("70 00 00 01"), name="Awa", text="Avant")
    who = {"do": "look", "contact": "70 00 00 01", "channel": "phone", "topic": "street-light"}
    page = client.post(f"{LIST}new", who)
    assert [c.text for c, _state in page.context["earlier"]] == ["Avant"]
    assert AuditEntry.objects.filter(action="reports.read_reporter").count() == 1
    form = {**fields(), **who, "do": "open", "name": "Awa"}
    answer = client.post(f"{LIST}new", form)
    case = cases.Case.objects.get(topic__slug="street-light")
    assert answer.url == f"{LIST}{case.code}/slip" and case.code[:3] in client.get(answer.url).content.decode()
    assert case.channel == "phone" and case.reporter.name == "Awa"
    again = {**form, **fields(), "contact": "", "name": ""}
    assert [c.pk for c in client.post(f"{LIST}new", again).context["near"]] == [case.pk]
    assert cases.Case.objects.count() == 2
    client.post(f"{LIST}new", {**again, "sure": "yes"})
    assert cases.Case.objects.count() == 3 and cases.Case.objects.latest("id").reporter is None
    client.post(f"{LIST}new", {**again, "same": case.code, "contact": "70 00 00 02"})
    case.refresh_from_db()
    assert cases.Case.objects.count() == 3 and case.supporters == 1


# What is taken away


def test_csv_and_excel_hold_no_formula_and_no_person_unless_asked(hire, opened):
    client = hire("agent")
    case = opened(text='=cmd|"/c calc"!A1', place="@SUM(1)", phone="+22370000001", name="Awa")
    (row,) = table(client)
    assert row["Words"].startswith("'=") and row["Place"].startswith("'@") and "Awa" not in str(row)
    assert not AuditEntry.objects.filter(action="reports.read_reporter").exists()
    book = b"".join(client.post(f"{LIST}export", {"format": "xlsx", "people": "yes"}))
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert "Awa" in sheet and "<f>" not in sheet
    assert AuditEntry.objects.get(action="reports.read_reporter").subject == f"cases.case:{case.pk}"
    assert AuditEntry.objects.filter(action="reports.export").count() == 2


def test_a_long_export_is_read_by_parts(opened, monkeypatch):
    monkeypatch.setattr(exports, "BATCH", 2)
    made = [opened().code for _ in range(5)]
    assert [row[0] for row in exports.rows(cases.Case.objects.all(), False)] == made[::-1]


@pytest.mark.parametrize("typed", ["=1", "+1", "-1", "@x", " =1", "\t=1", "|x", "%x", "\r\n=1"])
def test_what_a_spreadsheet_would_run(typed):
    assert tables.safe(typed) == f"'{typed}"
    assert tables.safe("Un trou = grave") == "Un trou = grave"


def test_paper(hire, opened, picture, run_jobs):
    client = hire("agent")
    case = opened(
        text="Ŋaari ɓiɓɓe : « été », #let x = [mauvais] $", place="Rua São João", name="Awa", phone="+22370000001"
    )
    cases.add_photo(case.pk, picture, by=SYSTEM, moment="after")
    run_jobs()
    page = client.get(f"{LIST}{case.code}/pdf")
    assert page["Content-Type"] == "application/pdf" and page.content[:5] == b"%PDF-"
    without = opened()
    assert len(page.content) > len(client.get(f"{LIST}{without.code}/pdf").content) + 5000  # the photo is in it
    assert client.post(f"{LIST}export", {"format": "pdf"}).content[:5] == b"%PDF-"


@pytest.mark.parametrize(("typed", "minor"), [("", 0), ("12 500", 12500), ("-300", -300)])
def test_costs(typed, minor, monkeypatch):
    monkeypatch.setattr(costs, "_digits", lambda: 0)
    assert costs.read(typed) == minor
    for wrong in ("x", "1.5", "NaN", "1e999", "Infinity"):
        with pytest.raises(ValueError):
            costs.read(wrong)
    monkeypatch.setattr(costs, "_digits", lambda: 2)
    assert costs.read("12,50") == 1250 and costs.shown(-125000).startswith("-1 250.00")
