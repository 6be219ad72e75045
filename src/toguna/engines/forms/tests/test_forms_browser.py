"""The desk's pages of forms in a real browser, at 320 pixels, without JavaScript for what is done: nothing that axe finds."""

from __future__ import annotations

from pathlib import Path

from toguna.engines.forms.tests.test_forms_pages import GOOD, workbook
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import look, press, sound


def test_a_form_is_brought_on_a_small_screen(chromium, tmp_path: Path):
    file = tmp_path / "well.xlsx"
    file.write_bytes(workbook(*GOOD).read())
    page = chromium.page(staff())
    look(page, "/desk/forms/")
    page.set_input_files("[name=file]", str(file))
    press(page.locator("main form[enctype] button"))
    assert "trigger" in page.locator("main").inner_text()
    sound(page, "brought")
    press(page.locator("button[value=publish]"))
    press(page.locator("button[value=field]"))
    sound(page)
    look(page, "/desk/forms/")
    page.goto("/desk/odk")
    press(page.locator("button[value=make]"))
    sound(page, "odk-made")
