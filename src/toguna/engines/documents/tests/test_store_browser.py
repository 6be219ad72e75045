"""The desk's documents in a real browser, at 320 pixels, without JavaScript. No accessibility violation."""

from __future__ import annotations

from pathlib import Path

from toguna.engines.documents.models import File, FileKind
from toguna.engines.documents.tests.test_store_files import pdf
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import Chromium, look, press


def test_brought_held_and_listed_on_a_small_screen(chromium: Chromium, tmp_path: Path) -> None:
    FileKind.objects.create(name="letters", title={"fr": "Lettres"}, keep_years=0, then="destroy")
    (tmp_path / "plan.pdf").write_bytes(pdf())
    clerk = staff()
    form, page = chromium.page(clerk, java_script_enabled=False), chromium.page(clerk)
    form.goto("/desk/documents/")
    form.set_input_files("[name=file]", tmp_path / "plan.pdf")
    form.fill("[name=title]", "Plan du marché")
    form.locator("main form[method=post] [name=kind]").select_option("letters")
    press(form.locator("main form[method=post] button"))
    assert "Plan du marché" in look(page, form.url)
    assert "Plan du marché" in look(page, "/desk/documents/ends")
    form.fill("[name=reason]", "Procès en cours")
    press(form.locator("form:has([name=reason]) button"))
    assert File.objects.get().hold_reason == "Procès en cours"
    for name in ("", "plan", str(File.objects.get().public_id)):
        look(page, f"/desk/documents/{name}")
