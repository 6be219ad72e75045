"""A clerk writes a form from nothing in the back office, without JavaScript and without a line of code; and gets it on paper."""

from __future__ import annotations

import io
import re
import uuid

import pypdfium2
import pytest
import zxingcpp
from django.test import Client

from toguna.engines.forms import actions, reads
from toguna.engines.forms.models import Filling, Form
from toguna.engines.people import api as people
from toguna.engines.people.testing import sign_in

pytestmark = pytest.mark.django_db


class Clerk:
    def __init__(self, *roles: str) -> None:
        account = people.create_staff(
            email=f"{uuid.uuid4().hex}@town.test", password="long enough to be one", name="Awa",
            grants=[(role, "forms", None) for role in roles or ("manager",)],
        )  # fmt: skip
        self.client = Client(headers={"accept-language": "en"})
        sign_in(self.client, account)
        self.html = ""
        self.status = 0

    def open(self, path: str) -> str:
        return self._read(self.client.get(path, follow=True))

    def _read(self, answer) -> str:
        self.status, self.html = answer.status_code, answer.content.decode()
        return self.html

    @property
    def revision(self) -> str:
        found = re.search(r'name="revision" value="([0-9a-f]+)"', self.html)
        assert found, self.html
        return found[1]

    def do(self, slug: str, do: str, **fields: str) -> str:
        sent = {"revision": self.revision, "do": do, **fields}
        return self._read(self.client.post(f"/desk/forms/{slug}/build", sent, follow=True))

    def add(self, slug: str, label: str, kind: str = "line", **more: str) -> str:
        return self.do(
            slug,
            "add",
            **{"new-label": label, "new-kind": kind, "new-where": "", **{f"new-{k}": v for k, v in more.items()}},
        )

    def new(self, title: str) -> str:
        self.open("/desk/forms/new")
        languages = re.findall(r'name="title_(\w+)"', self.html)
        sent = {f"title_{code}": title for code in languages}
        self._read(self.client.post("/desk/forms/new", {**sent, "service": "forms", "do": "create"}, follow=True))
        return Form.objects.latest("pk").slug


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


def items(slug: str) -> list[dict]:
    row = Form.objects.get(slug=slug)
    return (row.draft or row.current.definition)["items"]


def test_a_form_from_nothing_to_its_answers(clerk):
    slug = clerk.new("A loan of chairs")
    assert "Nothing is asked yet" in clerk.html
    clerk.add(slug, "Who asks?", required="on")
    clerk.add(slug, "How many chairs?", "integer")
    clerk.add(slug, "For what?", "select_one", choices="A wedding\nA funeral\nAnother feast")
    clerk.add(slug, "What feast?")
    assert clerk.status == 200 and "A wedding" not in clerk.html
    names = [item["name"] for item in items(slug)]
    assert len(set(names)) == 4
    # Only if another feast; at most 200 chairs, in words.
    where = f"/desk/forms/{slug}/build/item/{names[3]}"
    page = clerk.open(where)
    assert all(f'name="{name}"' in page for name in ("kind", "required", "low", "prefill", "if_question_1"))
    sent = {"revision": clerk.revision, "do": "save", "label_en": "What feast?", "kind": "line", "where": "", "if_join": "and",
            "if_question_1": names[2], "if_is_1": "is", "if_value_1": "another feast", "if_question_2": "", "if_is_2": "is"}  # fmt: skip
    labels = re.findall(r'name="(label_\w+)"', clerk.html)
    sent |= dict.fromkeys(labels, "What feast?")
    clerk._read(clerk.client.post(where, sent, follow=True))
    assert "Another feast" in clerk.html and "only if" in clerk.html
    where = f"/desk/forms/{slug}/build/item/{names[1]}"
    clerk.open(where)
    more = dict.fromkeys(re.findall(r'name="(label_\w+)"', clerk.html), "How many chairs?")
    clerk._read(
        clerk.client.post(
            where,
            {
                "revision": clerk.revision,
                "do": "save",
                "kind": "integer",
                "where": "",
                "low": "1",
                "high": "200",
                "if_join": "and",
                "if_is_1": "is",
                "if_is_2": "is",
                **more,
            },
            follow=True,
        )
    )
    assert clerk.status == 200
    # It is tried, then published, then answered.
    page = clerk.open(f"/desk/forms/{slug}/build/preview")
    assert "How many chairs?" in page and "What feast?" not in page
    clerk._read(
        clerk.client.post(
            f"/desk/forms/{slug}/build/preview",
            {
                "page": "0",
                "do": "try",
                f"f:{names[0]}": "Awa",
                f"f:{names[1]}": "500",
                f"f:{names[2]}": items(slug)[2] and "another_feast",
            },
        )
    )
    assert "What feast?" in clerk.html and "200" in clerk.html and not Filling.objects.exists()
    page = clerk.open(f"/desk/forms/{slug}/build/phone")
    assert "1/4" in page and "A funeral" in page and "only if" in page
    clerk.open(f"/desk/forms/{slug}/build")
    clerk.do(slug, "publish")
    form = Form.objects.get(slug=slug)
    assert form.current is not None
    definition = reads.definition_of(form.current_id)
    assert [item.kind for item in definition.items] == ["text", "integer", "select_one", "text"]
    assert "Nothing that is asked changed" not in clerk.open(f"/desk/forms/{slug}/versions")


def test_questions_are_moved_copied_deleted_and_brought_back(clerk):
    slug = clerk.new("Order")
    for label in ("One", "Two", "Three"):
        clerk.add(slug, label)
    clerk.open(f"/desk/forms/{slug}/build")
    clerk.do(slug, "up:three")
    assert [item["name"] for item in items(slug)] == ["one", "three", "two"]
    clerk.do(slug, "delete:three")
    assert [item["name"] for item in items(slug)] == ["one", "two"] and "was deleted" in clerk.html
    clerk.do(slug, "undo")
    assert [item["name"] for item in items(slug)] == ["one", "three", "two"]
    clerk.do(slug, "copy:one")
    assert len(items(slug)) == 4
    clerk.do(slug, "page", title="The house")
    clerk.do(slug, "block", block="contact")
    kinds = [item["kind"] for item in items(slug)]
    assert kinds.count("group") == 2
    clerk.do(slug, "delete:nothing")
    assert clerk.status == 409 and "not in the form any more" in clerk.html


def test_two_clerks_at_once_do_not_undo_one_another(clerk):
    slug = clerk.new("Two")
    clerk.open(f"/desk/forms/{slug}/build")
    other = Clerk()
    other.open(f"/desk/forms/{slug}/build")
    clerk.add(slug, "Mine")
    other.add(slug, "Theirs")
    assert other.status == 409 and "Somebody else changed this form" in other.html and "Mine" in other.html
    other.add(slug, "Theirs")
    assert [item["name"] for item in items(slug)] == ["mine", "theirs"]


def test_what_is_wrong_is_said_with_a_link_to_the_question(clerk):
    slug = clerk.new("Wrong")
    clerk.add(slug, "Which?", "select_one")
    assert clerk.status == 422 and "Write the choices" in clerk.html and not items(slug)
    clerk.open(f"/desk/forms/{slug}/build")
    clerk.add(slug, "First")
    clerk.add(slug, "Second")
    where = f"/desk/forms/{slug}/build/item/second"
    clerk.open(where)
    labels = dict.fromkeys(re.findall(r'name="(label_\w+)"', clerk.html), "Second")
    base = {"do": "save", "kind": "line", "where": "", "if_join": "and", "if_is_1": "is", "if_is_2": "is", **labels}
    clerk._read(
        clerk.client.post(where, {**base, "revision": clerk.revision, "relevant": "${nobody} = 1"}, follow=True)
    )
    assert "cannot be published yet" in clerk.html and where in clerk.html
    clerk.do(slug, "publish")
    assert clerk.status == 422 and Form.objects.get(slug=slug).current is None
    clerk.open(where)
    clerk._read(clerk.client.post(where, {**base, "revision": clerk.revision, "relevant": "1 +"}, follow=True))
    assert clerk.status == 422 and "expression stops too early" in clerk.html


def test_who_may_not_design_writes_no_form(clerk):
    slug = clerk.new("Ours")
    agent = Clerk("reader")
    for path in (
        "/desk/forms/new",
        f"/desk/forms/{slug}/build",
        f"/desk/forms/{slug}/versions",
        f"/desk/forms/{slug}/build/preview",
        f"/desk/forms/{slug}/paper",
    ):
        assert agent.client.get(path).status_code == 403
        assert Client().get(path).status_code == 302
    assert clerk.client.get("/desk/forms/nothing/build").status_code == 404


# --- On paper


def sheet(content: bytes) -> tuple[str, str, int]:
    """(text, what its QR says, pages) of a PDF."""
    document = pypdfium2.PdfDocument(io.BytesIO(content))
    words = " ".join(" ".join(page.get_textpage().get_text_range() for page in document).split())
    read = zxingcpp.read_barcodes(document[0].render(scale=3).to_pil())
    return words, read[0].text, len(document)


def published(clerk: Clerk) -> Form:
    slug = clerk.new("A loan of chairs")
    clerk.add(slug, "Who asks?", required="on")
    clerk.add(slug, "For what?", "select_one", choices="A wedding\nA funeral")
    clerk.add(slug, "On which day?", "date")
    clerk.add(slug, "Signature", "signature")
    clerk.do(slug, "list", title="Children")
    clerk.do(slug, "publish")
    clerk.open(f"/desk/forms/{slug}/build")
    clerk.do(slug, "delete:children")
    clerk.do(slug, "publish")
    form = Form.objects.get(slug=slug)
    assert form.current is not None, clerk.html
    return form


def test_a_sheet_is_printed_and_what_comes_back_is_typed_once(clerk):
    form = published(clerk)
    answer = Client().get(f"/forms/{form.slug}/paper.pdf?language=en")
    assert answer["Content-Type"] == "application/pdf"
    words, says, pages = sheet(answer.content)
    assert pages == 1 and "Who asks?" in words and "A wedding" in words and "For the office" in words
    assert says.startswith(f"TOGUNA-FORM {form.slug} {form.current.version} ")
    assert "Réservé" in sheet(Client().get(f"/forms/{form.slug}/paper.pdf?language=fr").content)[0]
    assert sheet(Client().get(f"/forms/{form.slug}/paper.pdf").content)[1] != says  # each has its number
    agent = Clerk("agent")
    assert "What its QR says" in agent.open("/desk/forms/paper/read")
    for _twice in range(2):
        agent._read(agent.client.post("/desk/forms/paper/read", {"says": says.lower()}, follow=True))
        assert "Who asks?" in agent.html
    kept = Filling.objects.get()
    assert kept.channel == "paper" and kept.version_id == form.current_id


@pytest.mark.parametrize(
    "says", ["", "TOGUNA-FORM", "TOGUNA-FORM nothing 1 K7M4XZ2P", "x" * 300, "TOGUNA-FORM a 1 ' OR 1=1"]
)
def test_a_strange_sheet_opens_nothing(says):
    agent = Clerk("agent")
    answer = agent.client.post("/desk/forms/paper/read", {"says": says})
    assert answer.status_code == 422 and b"no sheet of this town" in answer.content and not Filling.objects.exists()


def test_a_form_that_is_closed_is_printed_by_nobody(clerk):
    form = published(clerk)
    actions.save_draft_form(form.slug, form.current.definition, active=False, by=people_actor())
    assert Client().get(f"/forms/{form.slug}/paper.pdf").status_code == 404


def people_actor():
    from toguna.kernel.access import ADMINISTRATOR, Actor, Grant

    return Actor(account=1, staff=True, grants=(Grant(ADMINISTRATOR),))


def test_a_sheet_that_is_scanned_waits_beside_its_form(clerk, settings, tmp_path):
    from toguna.engines.documents import api as documents
    from toguna.engines.forms.paper import blanks

    settings.MEDIA_ROOT = tmp_path
    form = published(clerk)
    content = Client().get(f"/forms/{form.slug}/paper.pdf?language=en").content
    says = sheet(content)[1]
    for _twice in range(2):
        assert "A loan of chairs" in blanks.scanned(says, io.BytesIO(content))
    kept = Filling.objects.get()
    assert documents.files_of((actions.SUBJECT, kept.pk)).count() == 1
    agent = Clerk("agent")
    page = agent.open("/desk/forms/paper/read")
    assert "Scanned, to be typed" in page and "A loan of chairs" in page
    agent._read(agent.client.post("/desk/forms/paper/read", {"says": says}, follow=True))
    assert "Who asks?" in agent.html and Filling.objects.count() == 1
