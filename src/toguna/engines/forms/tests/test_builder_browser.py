"""The builder, the sheet's page and the scan inbox on a small screen: nothing that axe finds, nothing wider than it."""

from __future__ import annotations

import pytest

from toguna.engines.forms.tests.test_builder import Clerk, published
from toguna.engines.people.testing import staff
from toguna.kernel.testing_browser import look


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_clerk_with_a_small_screen(chromium, scheme):
    form = published(Clerk())
    first = form.current.definition["items"][0]["name"]
    build = f"/desk/forms/{form.slug}/build"
    page = chromium.page(staff(), color_scheme=scheme)
    for path in (
        "/desk/forms/new", build, f"{build}/item/{first}", f"{build}/preview", f"{build}/phone", f"/desk/forms/{form.slug}/versions",
        f"/desk/forms/{form.slug}/paper", "/desk/forms/paper/read", f"/desk/forms/{form.slug}", "/desk/scans/",
    ):  # fmt: skip
        look(page, path)
