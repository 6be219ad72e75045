"""A form is published for ever; what people answer is saved page by page, ended once, and lost by nobody."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from PIL import Image

from toguna.engines.documents.models.store import File
from toguna.engines.forms import actions, reads, uses
from toguna.engines.forms.models import Filling, Form, FormVersion
from toguna.engines.people import api as people
from toguna.engines.people.models import Contact, Person
from toguna.kernel import registry
from toguna.kernel.access import ADMINISTRATOR, NOBODY, SYSTEM, Actor, Denied, Grant
from toguna.kernel.models import AuditEntry, EventRow

pytestmark = pytest.mark.django_db

CLERK = Actor(account=1, name="Clerk", staff=True, grants=(Grant(ADMINISTRATOR),))


def written(*more: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "name": "birth",
        "titles": {"fr": "Naissance"},
        "languages": ["fr"],
        "items": [
            {"name": "who", "kind": "text", "label": {"fr": "Nom"}, "required": True, "prefill": "person.name"},
            {"name": "age", "kind": "integer", "label": {"fr": "Âge"}, "constraint": ". < 120"},
            {"name": "minor", "kind": "calculate", "calculation": "${age} < 18"},
            {"name": "parent", "kind": "group", "label": {"fr": "Parent"}, "relevant": "${minor} = 'true'", "items": [
                {"name": "name", "kind": "text", "label": {"fr": "Nom"}, "required": True},
            ]},
            {"name": "photo", "kind": "image", "label": {"fr": "Photo"}},
            {"name": "ended", "kind": "end"},
            *more,
        ],
        **changes,
    }  # fmt: skip


def published(*more: dict[str, Any]) -> Form:
    form = actions.save_draft_form("birth", written(*more), service="town", by=CLERK)
    actions.publish(form, by=CLERK)
    form.refresh_from_db()
    return form


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """What the service made of the answers."""
    found: list[dict[str, Any]] = []

    def on_complete(filling: Filling, answers: Any) -> tuple[str, str]:
        if answers.get("who") == "Refused":
            raise actions.Refused("no")
        found.append(dict(answers))
        return "case", str(len(found))

    use = uses.FormUse("town", on_complete, lambda filling: f"/town/{filling.code}")
    real = registry.declared
    monkeypatch.setattr(registry, "declared", lambda kind: (use,) if kind is uses.FormUse else real(kind))
    yield found


def test_a_published_version_is_for_ever_and_the_same_again_is_itself() -> None:
    form = published()
    first = form.current
    assert first is not None
    assert first.xform.startswith("<?xml")
    assert len(first.hash) == 32
    assert actions.publish(form, by=CLERK).pk == first.pk
    second = actions.publish(actions.save_draft_form("birth", written(titles={"fr": "Autre"}), by=CLERK), by=CLERK)
    assert second.version > first.version
    assert FormVersion.objects.get(pk=first.pk).definition["titles"] == {"fr": "Naissance"}


def test_a_form_with_problems_is_not_published() -> None:
    form = actions.save_draft_form(
        "bad", written({"name": "x", "kind": "note", "relevant": "${nobody}"}), service="t", by=CLERK
    )
    with pytest.raises(actions.Refused) as refused:
        actions.publish(form, by=CLERK)
    assert "nobody" in refused.value.problems[0]
    assert FormVersion.objects.count() == 0


def test_only_who_may_writes_forms() -> None:
    with pytest.raises(Denied):
        actions.save_draft_form("x", written(), service="t", by=NOBODY)
    form = actions.save_draft_form("x", written(), service="t", by=CLERK)
    with pytest.raises(Denied):
        actions.publish(form, by=Actor(account=2))


def test_from_the_first_word_to_what_it_became(made: list[dict[str, Any]]) -> None:
    form = published()
    filling = actions.open_filling(form, by=NOBODY, language="fr")
    filling, _filled, errors = actions.save(filling, {"age": 8}, by=NOBODY, code=filling.code, revision=0, page=0)
    assert list(errors) == ["who"]
    with pytest.raises(actions.Invalid) as invalid:
        actions.complete(filling, by=NOBODY, code=filling.code)
    assert set(invalid.value.errors) == {"who", "parent.name"}
    answers = {"who": "Awa", "age": 30, "parent": {"name": "Bio"}}
    filling, _filled, errors = actions.save(filling, answers, by=NOBODY, code=filling.code, revision=1)
    assert not errors
    done = actions.complete(filling, by=NOBODY, code=filling.code)
    assert (done.subject_kind, done.subject) == ("case", "1")
    assert made[0] | {"ended": ""} == {"who": "Awa", "age": 30, "minor": "false", "ended": ""}
    assert actions.complete(filling, by=NOBODY, code=filling.code).subject == "1"
    assert len(made) == 1
    assert EventRow.objects.filter(name__endswith="FormCompleted").count() == 1
    assert AuditEntry.objects.filter(action="forms.complete").count() == 1
    with pytest.raises(actions.Refused):
        actions.save(done, {"age": 3}, by=NOBODY, code=filling.code, revision=done.revision)


def test_what_the_service_refuses_leaves_the_draft_as_it_was(made: list[dict[str, Any]]) -> None:
    filling = actions.open_filling(published(), by=NOBODY)
    with pytest.raises(actions.Refused), transaction.atomic():
        actions.complete(filling, by=NOBODY, code=filling.code, answers={"who": "Refused"})
    filling.refresh_from_db()
    assert filling.state == Filling.State.DRAFT
    assert not EventRow.objects.filter(name__endswith="FormCompleted").exists()


def test_two_windows_do_not_overwrite_one_another() -> None:
    filling = actions.open_filling(published(), by=NOBODY)
    actions.save(filling, {"who": "First"}, by=NOBODY, code=filling.code, revision=0)
    with pytest.raises(actions.Conflict) as conflict:
        actions.save(filling, {"who": "Second"}, by=NOBODY, code=filling.code, revision=0)
    assert conflict.value.filling.values["who"] == "First"


def test_a_filling_is_opened_once_for_a_client_id_and_by_nobody_else() -> None:
    form, key = published(), uuid.uuid4()
    mine = Actor(account=7)
    assert actions.open_filling(form, by=mine, client_id=key) == actions.open_filling(form, by=mine, client_id=key)
    with pytest.raises(Denied):
        actions.open_filling(form, by=Actor(account=8), client_id=key)
    filling = Filling.objects.get()
    for other in (NOBODY, Actor(account=8), Actor(account=8, person=99)):
        with pytest.raises(Denied):
            actions.save(filling, {}, by=other, code=filling.code, revision=0)


def test_what_the_town_knows_is_shown_to_nobody_but_them() -> None:
    person = Person.objects.create(name="Awa Sanou")
    Contact.objects.create(person=person, kind="phone", value="+22670000001")
    form = published()
    assert "who" not in actions.open_filling(form, by=NOBODY, person=person).values
    assert "who" not in actions.open_filling(form, by=Actor(account=3, person=person.pk + 1), person=person).values
    assert actions.open_filling(form, by=Actor(account=4, person=person.pk), person=person).values["who"] == "Awa Sanou"
    assert reads.known(person)["person.phone"] == "+22670000001"


@pytest.mark.parametrize("answers", [{"nobody": 1}, {"age": "8"}, {"parent": 3}, {"who": ["x"]}])
def test_what_the_form_does_not_ask_is_refused(answers: dict[str, Any]) -> None:
    filling = actions.open_filling(published(), by=NOBODY)
    with pytest.raises(actions.Refused):
        actions.save(filling, answers, by=NOBODY, code=filling.code, revision=0)


def test_what_is_calculated_is_not_answered() -> None:
    filling = actions.open_filling(published(), by=NOBODY)
    _f, filled, _e = actions.save(filling, {"age": 30, "minor": "true"}, by=NOBODY, code=filling.code, revision=0)
    assert filled.answers["minor"] == "false"


def test_a_draft_goes_to_the_newer_form_only_when_it_fits() -> None:
    form = published()
    fits = actions.open_filling(form, by=NOBODY)
    actions.save(fits, {"age": 30}, by=NOBODY, code=fits.code, revision=0)
    newer = written({"name": "more", "kind": "text", "label": {"fr": "Plus"}})
    actions.publish(actions.save_draft_form("birth", newer, by=CLERK), by=CLERK)
    assert actions.renew(fits, by=NOBODY, code=fits.code)
    fits.refresh_from_db()
    assert fits.values["age"] == 30
    stricter = written()
    stricter["items"][1]["constraint"] = ". < 20"
    actions.publish(actions.save_draft_form("birth", stricter, by=CLERK), by=CLERK)
    assert not actions.renew(fits, by=NOBODY, code=fits.code)
    before = fits.version_id
    fits.refresh_from_db()
    assert fits.version_id == before


def picture() -> io.BytesIO:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(stream, "PNG")
    stream.seek(0)
    return stream


def test_a_file_is_an_answer_of_its_own_filling_only() -> None:
    form = published()
    one, other = (actions.open_filling(form, by=NOBODY) for _i in range(2))
    file = actions.keep_file(one, picture(), "a.png", by=NOBODY, code=one.code)
    actions.save(one, {"photo": file}, by=NOBODY, code=one.code, revision=0)
    with pytest.raises(actions.Refused):
        actions.save(other, {"photo": file}, by=NOBODY, code=other.code, revision=0)
    with pytest.raises(Denied):
        actions.keep_file(one, picture(), "a.png", by=NOBODY, code=other.code)


def test_old_drafts_go_with_their_files() -> None:
    form = published()
    old, fresh = (actions.open_filling(form, by=NOBODY) for _i in range(2))
    actions.keep_file(old, picture(), "a.png", by=NOBODY, code=old.code)
    Filling.objects.filter(pk=old.pk).update(updated=timezone.now() - timedelta(days=91))
    actions.delete_old_drafts()
    assert list(Filling.objects.all()) == [fresh]
    assert not File.objects.exists()


def test_an_erased_person_leaves_nothing_in_forms(made: list[dict[str, Any]]) -> None:
    person, form = Person.objects.create(name="Awa"), published()
    mine = Actor(account=4, person=person.pk)
    draft, sent = (actions.open_filling(form, by=mine, person=person) for _i in range(2))
    actions.complete(sent, by=mine)
    assert [row["state"] for row in actions.export(person.pk)] == ["draft", "complete"]
    actions.erase(person.pk)
    assert not Filling.objects.filter(pk=draft.pk).exists()
    sent.refresh_from_db()
    assert (sent.values, sent.person_id) == ({}, None)
    assert people.Erasure in {type(one) for one in registry.declared(people.Erasure)}


def test_a_step_of_200_fields_is_saved_in_few_statements(django_assert_max_num_queries: Any) -> None:
    more = [{"name": f"q{i}", "kind": "text", "label": {"fr": "Q"}, "relevant": "${age} > 3"} for i in range(195)]
    filling = actions.open_filling(published(*more), by=NOBODY)
    actions.evaluated(filling)
    with django_assert_max_num_queries(4):  # savepoint, the row, its writing, savepoint
        actions.save(filling, {f"q{i}": "x" for i in range(195)}, by=SYSTEM, revision=0)
