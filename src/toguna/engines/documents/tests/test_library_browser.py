"""The library in a real browser, at 320 pixels, without JavaScript: found, read, written. No accessibility violation."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import connection

from toguna.engines.documents.library.actions import Doing
from toguna.engines.documents.tests.test_library_acts import published
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import look, press


@pytest.fixture
def library(transactional_db) -> Iterator[None]:
    published(
        "portant règlement des marchés",
        text="Vu la loi ;\nChapitre I – Début\nArticle 1 – Objet\nUn.\nArticle 2. Deux.",
    )
    published(
        "modifiant",
        text="Article 1. Voir l'arrêté n° 2023-001.",
        changes=[Doing("arrêté 2023-001", "replace", "2", words="Autre.")],
    )
    yield
    with connection.cursor() as cursor:  # no model's table: nothing else empties it
        cursor.execute("DELETE FROM documents_text; DELETE FROM documents_word")


def test_found_read_and_written_on_a_small_screen(chromium, library):
    page = chromium.page()
    assert "2023-001" in look(page, "/acts/?q=reglement+marche")
    assert "Autre." in look(page, "/acts/bylaw/2023/001")
    clerk = staff()
    form = chromium.page(clerk, java_script_enabled=False)
    form.goto("/desk/acts/new")
    form.fill("[name=body]", "Le maire")
    form.fill("[name=subject]", "relatif aux puits")
    form.fill("[name=text]", "Article 1. Les puits sont couverts.")
    press(form.locator("button[value=save]"))
    where = form.url
    chromium.sign_in(page.context, clerk)
    assert "Les puits sont couverts." in look(page, where)
    look(page, "/desk/acts/")
    look(page, "/desk/acts/new")
    press(form.locator("button[value=publish]"))
    form.goto("/acts/?q=puits")
    assert "relatif aux puits" in form.locator("main").inner_text()
