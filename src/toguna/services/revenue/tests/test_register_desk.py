"""The register at the desk, through its pages."""

from __future__ import annotations

from toguna.engines.people import api as people
from toguna.services.revenue.models import NotSame, Taxed, Taxpayer


def text_of(response) -> str:
    return response.content.decode()


def test_an_agent_writes_somebody_and_what_they_are_taxed_for(hire, zongo):
    agent = hire()
    given = {
        "name": "Awa Traoré",
        "kind": "person",
        "phone": "70 00 00 01",
        "trade": "Tissus",
        "position": "12.0051, -0.995",
        "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad2",
    }
    page = agent.post("/desk/register/new", given)
    awa = Taxpayer.objects.get()
    assert page.status_code == 302 and page.url == f"/desk/register/{awa.number}" and awa.zone == zongo
    agent.post("/desk/register/new", given)
    assert Taxpayer.objects.count() == 1  # sent twice, one
    form = text_of(agent.get(f"/desk/register/{awa.number}/declare/etal"))
    assert "Surface in m²" in form and "Number plate" not in form
    wrong = agent.post(
        f"/desk/register/{awa.number}/declare/etal",
        {"measure_0": "four", "since": "2026-01-01", "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad3"},
    )
    assert wrong.status_code == 422 and "Surface in m²" in text_of(wrong)
    agent.post(
        f"/desk/register/{awa.number}/declare/etal",
        {
            "measure_0": "4,5",
            "since": "2026-01-01",
            "words": "Place 7",
            "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad3",
        },
    )
    thing = Taxed.objects.get()
    page = text_of(agent.get(f"/desk/register/{awa.number}"))
    assert (
        "Place 7" in page
        and "40\u202f500" in page.replace(",", "\u202f").replace("\xa0", "\u202f")
        and "Délibération" in page
    )
    assert people.shown("phone", awa.phone) in page
    agent.post(f"/desk/register/thing/{thing.code}/act", {"do": "seen"})
    agent.post(f"/desk/register/thing/{thing.code}/act", {"do": "end", "reason": "moved away", "until": "2026-11-30"})
    thing.refresh_from_db()
    assert thing.state == "gone" and "moved away" in text_of(agent.get(f"/desk/register/thing/{thing.code}"))


def test_somebody_alike_is_shown_before_a_second_is_written(hire, stall):
    stall("Fatoumata Diarra", phone="+22370000009")
    agent = hire()
    given = {"name": "Fatoumata DIARA", "kind": "person", "client_id": "7d444840-9dc0-11d1-b245-5ffdce74fad4"}
    page = text_of(agent.post("/desk/register/new", given))
    assert "Is it one of these?" in page and "Fatoumata Diarra" in page and Taxpayer.objects.count() == 1
    agent.post("/desk/register/new", {**given, "sure": "yes"})
    assert Taxpayer.objects.count() == 2


def test_found_filtered_and_out_of_reach(hire, stall, zongo, plateau):
    here, there = stall("Awa Zongo"), stall("Binta Plateau", lon=-0.97)
    agent = hire(zone=zongo.pk)
    page = text_of(agent.get("/desk/register/"))
    assert "Awa Zongo" in page and "Binta" not in page
    other = there.parts.get().taxpayer
    assert agent.get(f"/desk/register/{other.number}").status_code == 404
    assert agent.get(f"/desk/register/thing/{there.code}").status_code == 404
    assert agent.post(f"/desk/register/thing/{there.code}/act", {"do": "reopen"}).status_code == 404
    head = hire("manager")
    assert "Awa" not in text_of(head.get(f"/desk/register/?zone={plateau.pk}"))
    assert text_of(head.get("/desk/register/?base=patente")).count("Binta") == 0
    found = head.get(f"/desk/register/?q={here.code.lower()}")
    assert found.status_code == 302 and found.url.endswith(here.parts.get().taxpayer.number)
    assert "Binta Plateau" in text_of(head.get("/desk/register/?q=binta+plato"))


def test_heirs_by_the_page(hire, stall):
    thing, other = stall("Heir One"), stall("Heir Two", lon=-0.994)
    second = other.parts.get().taxpayer
    first = thing.parts.get().taxpayer
    page = f"/desk/register/thing/{thing.code}"
    hire().post(f"{page}/act", {"do": "share", f"weight-{first.pk}": "1", "add": second.number, "add_weight": "2"})
    assert dict(thing.parts.values_list("taxpayer", "weight")) == {first.pk: 1, second.pk: 2}
    assert "2 of 3 parts" in text_of(hire().get(page))


def test_duplicates_are_offered_with_a_score_joined_or_kept_apart(hire, stall):
    one, two = stall("Moussa Keita", phone="+22370000005"), stall("Moussa Keïta", phone="+22370000005", lon=-0.99501)
    stall("Somebody Else", lon=-0.99)
    third = stall("Mousa Keita", lon=-0.995)
    agent = hire()
    page = text_of(agent.get("/desk/register/same"))
    assert "95 %" in page and "same phone" in page and "Somebody" not in page
    kept, gone, apart = (thing.parts.get().taxpayer for thing in (one, two, third))
    agent.post("/desk/register/same", {"do": "not-same", "keep": kept.pk, "other": apart.pk})
    agent.post("/desk/register/same", {"do": "merge", "keep": kept.pk, "other": gone.pk})
    gone.refresh_from_db()
    assert gone.merged_into == kept and NotSame.objects.count() == 1
    agent.get("/desk/register/same")  # reads what was said of the last one
    assert "Keita" not in text_of(agent.get("/desk/register/same"))


def test_the_register_costs_the_same_whatever_it_holds(hire, stall, django_assert_max_num_queries):
    for n in range(12):
        stall(f"Trader {n}", lon=-0.995 + n * 0.001)
    agent = hire()
    agent.get("/desk/register/")
    with django_assert_max_num_queries(9):
        agent.get("/desk/register/")
    number = Taxpayer.objects.first().number
    agent.get(f"/desk/register/{number}")
    with django_assert_max_num_queries(22):
        agent.get(f"/desk/register/{number}")
