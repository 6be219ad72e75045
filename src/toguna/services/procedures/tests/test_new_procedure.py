"""A clerk adds a procedure from nothing in the back office: what is told of it, its form, its steps, its paper. Then a resident
asks for it, and leaves with the signed paper. No line of code, no JavaScript."""

from __future__ import annotations

import io
import re

from pypdfium2 import PdfDocument

from toguna.engines.cases import api as cases
from toguna.services.procedures.models import Procedure
from toguna.services.procedures.tests.conftest import Visitor
from toguna.services.procedures.tests.test_requests import APPLICANT, decides


def test_a_clerk_adds_a_procedure_and_a_resident_gets_its_paper(hire, visitor):
    clerk = Visitor(hire("manager", services=("procedures", "forms", "documents", "cases")))
    # What is told of it.
    clerk.open("/desk/procedures/")
    assert "/desk/procedures/new" in clerk.html
    clerk.open("/desk/procedures/new")
    clerk.press("", "Name", names_en="Loan of chairs", names_fr="Prêt de chaises", summary_en="Chairs of the town for a feast.", bring_en="Your identity card", bring_fr="Votre pièce d’identité", cost="1 000", days="2", order="500", active="on")  # fmt: skip
    row = Procedure.objects.get(names__en="Loan of chairs")
    assert clerk.status == 200, clerk.html
    # Its form: who asks is there already; two questions more, of which one hangs on the other.
    clerk.open(f"/desk/procedures/{row.slug}/form")
    clerk.press("new", "Make a form")
    build = clerk.at
    assert build.endswith("/build") and "name" in clerk.html
    clerk.press("page", "Its title", title="The feast")
    where = re.search(r'<option value="([^"]+)" selected>[^<]*The feast', clerk.html)[1]
    clerk.press(
        "add",
        "new-label",
        **{"new-label": "How many chairs?", "new-kind": "integer", "new-where": where, "new-required": "on"},
    )
    clerk.press(
        "add",
        "new-label",
        **{
            "new-label": "Which feast?",
            "new-kind": "select_one",
            "new-where": where,
            "new-choices": "Wedding\nFuneral",
        },
    )
    clerk.open(build)
    clerk.press("publish", "publish")
    assert "is published" in clerk.html, clerk.html
    # Its steps and its paper, whose facts are written from the answers.
    clerk.open(f"/desk/procedures/{row.slug}/steps")
    clerk.press("pattern", "Take these steps", pattern="certificate")
    clerk.open("/desk/papers/new")
    assert clerk.status == 200
    clerk.open(f"/desk/procedures/{row.slug}/paper")
    clerk.press("", 'name="paper"', paper="residence-certificate")
    facts = dict.fromkeys(re.findall(r'name="(fact-[^"]+)"', clerk.html), "—")
    assert facts
    facts |= {"fact-name": "{applicant.name}", "fact-born_on": "{today}", "fact-since": "{today}"}
    clerk.press("", "fact-", **facts)
    row.refresh_from_db()
    assert row.paper == "residence-certificate" and row.pattern == "certificate" and row.form
    clerk.open(f"/desk/procedures/{row.slug}")
    # A resident asks for it.
    visitor.open(f"/procedures/{row.slug}")
    assert "Loan of chairs" in visitor.html and "Your identity card" in visitor.html
    visitor.press("", f"procedures/{row.slug}/ask")
    visitor.press("next", **APPLICANT)
    if "Your answers ask for more" in visitor.html:
        visitor.press("next", **APPLICANT)
    names = dict.fromkeys(re.findall(r'name="(f:[^":]+)"', visitor.html))
    chairs = next(name for name in names if "chairs" in name)
    feast = next(name for name in names if "feast" in name.rpartition(".")[2])
    visitor.press("next", **{chairs: "30", feast: "wedding"})
    assert "Look at your answers" in visitor.html, visitor.html
    visitor.press("send")
    case = cases.Case.objects.latest("pk")
    assert "Your request is received" in visitor.html
    chief = hire("manager")
    chief.post(f"/desk/requests/{case.code}/act/", {"do": "paid", "fee": "paper", "receipt": "R-1"})
    decided = decides(chief, case, "issue")
    case.refresh_from_db()
    assert not case.open, re.findall(r'class="notice[^>]*>.*?</div>', decided.content.decode(), re.S)
    visitor.open(visitor.at.replace("&new=1", ""))
    link = re.search(r'href="(/requests/[^"]*/papers/[^"]*)"', visitor.html)[1]
    made = PdfDocument(io.BytesIO(visitor.client.get(link).content))
    assert "Fanta Koné" in made[0].get_textpage().get_text_range()
