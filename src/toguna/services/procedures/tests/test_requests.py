"""A paper asked for on the web without JavaScript, decided in the back office, taken and checked."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone
from pypdfium2 import PdfDocument

from toguna.engines.cases import api as cases
from toguna.engines.documents import api as documents
from toguna.engines.forms import api as forms
from toguna.services.procedures.tests.conftest import Visitor

APPLICANT = {
    "f:applicant.name": "Fanta Koné", "f:applicant.phone": "", "f:applicant.address": "Zongo, near the pump",
    "f:applicant.paper": "card", "f:applicant.paper_number": "CNI 778",
}  # fmt: skip
HOME = {
    "f:home.born_on": "02/03/1990", "f:home.since": "2015-01-01", "f:home.owner": "Issa Koné", "f:home.purpose": "A job",
}  # fmt: skip


def asks_residence(visitor: Visitor, **more: str) -> cases.Case:
    visitor.open("/procedures/residence")
    visitor.press("", "procedures/residence/ask")
    assert "Step 1 of 3" in visitor.html
    visitor.press("next", **{**APPLICANT, **more})
    if "Your answers ask for more" in visitor.html:
        visitor.press("next", **{**APPLICANT, **more})
    assert "Step 2 of 3" in visitor.html, visitor.html
    visitor.press("next", **HOME)
    assert "Look at your answers" in visitor.html and "National identity card" in visitor.html
    visitor.press("send")
    assert "Your request is received" in visitor.html
    return cases.Case.objects.latest("pk")


def decides(client, case: cases.Case, do: str, **more: str):
    return client.post(
        f"/desk/requests/{case.code}/act/", {"do": "move", "transition": do, "seen": case.state, **more}, follow=True
    )


def test_a_residence_certificate_from_the_first_page_to_the_signed_paper(visitor, hire):
    case = asks_residence(visitor)
    chief = hire("manager")
    page = chief.get(f"/desk/requests/{case.code}/").content.decode()
    assert "Issa Koné" in page and "Issue and sign" in page and "The fee is not paid" in page
    chief.post(f"/desk/requests/{case.code}/act/", {"do": "paid", "fee": "paper", "receipt": "R-1"})
    decides(chief, case, "issue")
    case.refresh_from_db()
    assert case.state == "issued" and not case.open
    visitor.open(visitor.at.replace("&new=1", ""))
    link = re.search(r'href="(/requests/[^"]*/papers/[^"]*)"', visitor.html)[1]
    made = visitor.client.get(link)
    text = " ".join(PdfDocument(io.BytesIO(made.content))[0].get_textpage().get_text_range().split())
    assert "Fanta Koné" in text and "Zongo, near the pump" in text and "National identity card CNI 778" in text
    paper = documents.papers_of(f"cases.case:{case.pk}").get()
    assert paper.signer == "Awa Traoré" and documents.check(paper.code) is not None
    assert Visitor().client.get(link.partition("?")[0]).status_code == 404  # the code alone opens no paper


def test_who_holds_only_the_code_reads_no_answer(visitor, town):
    case = asks_residence(visitor)
    page = Visitor().open(f"/requests/{case.code}")
    assert "Received" in page and "Issa Koné" not in page and "Zongo" not in page


def test_a_missing_piece_is_asked_for_and_brought(visitor, hire):
    case = asks_residence(visitor)
    link = visitor.at
    chief = hire("manager")
    page = chief.get(f"/desk/requests/{case.code}/").content.decode()
    assert 'name="wanted" value="home.owner"' in page
    decides(chief, case, "return", words="Who owns the house?", wanted="home.owner")
    case.refresh_from_db()
    assert case.stopped is not None
    visitor.open(link)
    assert "The town waits for you" in visitor.html and "Name of the owner" in visitor.html
    visitor.press("complete")
    assert "Step 1 of 3" in visitor.html
    visitor.press("next")
    visitor.press("next", **{"f:home.owner": "Mariam Sow"})
    visitor.press("send")
    case.refresh_from_db()
    assert case.state == "received" and case.stopped is None and case.answers["home.owner"] == "Mariam Sow"
    step = cases.Step.objects.filter(case=case, action="completed").get()
    assert step.data["changed"] == ["home.owner"]
    assert forms.Filling.objects.count() == 1


def test_the_same_form_sent_twice_is_one_request(visitor, town):
    asks_residence(visitor)
    filling = forms.Filling.objects.get()
    for _n in range(2):
        visitor.client.post(f"/requests/form/{filling.code}/", {"page": "end", "do": "send"})
    assert cases.Case.objects.count() == 1


def test_a_form_without_its_answers_is_not_sent(visitor, town):
    visitor.open("/procedures/residence")
    visitor.press("", "procedures/residence/ask")
    visitor.press("next", **{**APPLICANT, "f:applicant.name": ""})
    assert visitor.status == 422 and 'href="#f-applicant-name"' in visitor.html
    code = forms.Filling.objects.get().code
    visitor.client.post(f"/requests/form/{code}/", {"page": "end", "do": "send"})
    assert not cases.Case.objects.exists()


def test_a_birth_becomes_an_entry_and_a_copy_and_is_not_declared_twice(visitor, hire):
    chief = hire("manager")

    def declares(name: str, visitor: Visitor) -> cases.Case:
        visitor.open("/procedures/birth")
        visitor.press("", "procedures/birth/ask")
        born = (timezone.localdate() - timedelta(days=3)).isoformat()
        visitor.press("next", **{
            "f:child.family_name": name, "f:child.given_names": "Mamadou", "f:child.sex": "m", "f:child.child_born_on": born,
            "f:child.born_where": "health", "f:child.place": "CSPS Sanfil",
        })  # fmt: skip
        visitor.press("next", **{"f:mother.name": "Awa Cissé", "f:mother.home": "Sanfil"})
        visitor.press("next", **{"f:father.known": "yes", "f:father.name": "Ali Koulibaly"})
        if "Your answers ask for more" in visitor.html:
            visitor.press("next", **{"f:father.name": "Ali Koulibaly"})
        visitor.press("next", **{"f:declarant.link": "mother", "f:declarant.name": "Awa Cissé"})
        visitor.press("send")
        case = cases.Case.objects.latest("pk")
        decides(chief, case, "check")
        case.refresh_from_db()
        return case

    first = declares("Koulibaly", visitor)
    decides(chief, first, "register")
    first.refresh_from_db()
    assert first.state == "registered"
    entry = documents.entry(first.request.entry)
    assert entry.facts["mother"] == "Awa Cissé" and "Koulibaly Mamadou" in entry.text
    second = declares("Coulibali", Visitor())
    page = decides(chief, second, "register").content.decode()
    second.refresh_from_db()
    assert second.state == "checked" and entry.reference in page
    chief.post(f"/desk/requests/{second.code}/ours", {"do": "another"})
    decides(chief, second, "register")
    second.refresh_from_db()
    assert second.state == "registered"


def test_a_building_permit_waits_for_its_four_services(hire, town):
    workflow = cases.Workflow.objects.get(slug="procedures-building")
    asked = next(t for t in workflow.definition["transitions"] if t["name"] == "admit")["opinions"]["of"]
    assert [one["team"] for one in asked] == ["planning", "roads", "health", "fire"]


@pytest.mark.parametrize("slug", ["birth", "building", "company", "social-aid", "taxi", "event"])
def test_every_ready_form_opens(slug, visitor, town):
    visitor.open(f"/procedures/{slug}")
    visitor.press("", f"procedures/{slug}/ask")
    assert "Step 1 of" in visitor.html


def test_at_the_counter_all_on_one_page(hire):
    clerk = hire("agent")
    at = Visitor(clerk)
    at.open("/desk/requests/new/")
    at.press("residence")
    assert "f:home.owner" in at.html and "f:applicant.name" in at.html
    at.press("next", **APPLICANT, **HOME)
    case = cases.Case.objects.get()
    assert case.code in at.html and case.channel == "counter"
