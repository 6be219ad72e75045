"""The forms of the field in a real browser: a day without network, and expressions that mean the same on both sides."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from toguna.engines.forms import plan, values
from toguna.engines.forms.field import package
from toguna.engines.forms.models import Filling
from toguna.engines.forms.tests import test_forms_expressions as cases
from toguna.engines.forms.tests.test_field_forms import offered, surveyor
from toguna.kernel.testing_browser import install, open_offline, sound, until

FIELD = """const field = await import(document.querySelector("script[src*='field.js']").src);"""
COUNT = f"async () => {{ {FIELD} return (await field.records.mine()).reduce((sum, r) => ({{ ...sum, [r.state]: (sum[r.state] ?? 0) + 1 }}), {{}}); }}"
HALF = f"async () => {{ {FIELD} return (await field.records.mine()).some((r) => r.state === 'draft' && r.answers.depth); }}"
SYNC = f"async () => {{ {FIELD} return field.sync(); }}"


def test_twenty_forms_without_network(chromium, tmp_path: Path):
    offered()
    photo = tmp_path / "well.jpg"
    Image.new("RGB", (2000, 1200), (90, 60, 20)).save(photo)
    clerk = surveyor()

    def begin(page: Any, place: str) -> None:
        page.locator("#forms button").first.click()
        page.get_by_label("Which well?").fill(place)

    def end(page: Any, waiting: int) -> None:
        page.locator("#next", has_text="Continue").click()
        page.locator("#next", has_text="End").click()
        page.locator("#count", has_text=f": {waiting}").wait_for()

    # The morning, with network.
    page = chromium.phone(clerk, locale="en-GB")
    install(page, "/field/forms")
    page.locator("#forms li").first.wait_for()
    sound(page, "field-home")

    # The day, without.
    page.context.set_offline(True)
    page.reload()
    begin(page, "Well 0")
    page.get_by_label("Depth (m)").fill("500")
    page.locator("#next").click()
    page.locator("#errors").get_by_text("Not so deep.").wait_for()
    sound(page, "field-errors")
    page.get_by_label("Depth (m)").fill("12,5")
    assert page.get_by_label("Since when?").count() == 0
    page.get_by_label("Yes", exact=True).check()
    page.get_by_label("Since when?").fill("2026-01-02")
    page.locator("input[type=file]").set_input_files(str(photo))
    page.locator("#blocks img").wait_for()
    sound(page, "field-form")
    page.locator("#next").click()
    page.get_by_role("button", name="Add the first one").click()
    page.get_by_label("Name").fill("Awa")
    page.locator("#next").click()
    page.locator("#count", has_text=": 1").wait_for()
    for n in range(1, 10):
        begin(page, f"Well {n}")
        page.locator("input[type=file]").set_input_files(str(photo))
        page.locator("#blocks img").wait_for()
        end(page, n + 1)
    begin(page, "Half")
    page.get_by_label("Depth (m)").fill("3")
    until(page, lambda: page.evaluate(HALF))
    page.context.close()  # the battery dies

    page = chromium.phone(locale="en-GB")
    page.context.set_offline(True)
    open_offline(page, "/field/forms")
    page.locator("#drafts button").first.click()  # what was half written is there
    assert (
        page.get_by_label("Which well?").input_value() == "Half" and page.get_by_label("Depth (m)").input_value() == "3"
    )
    end(page, 11)
    for n in range(11, 20):
        begin(page, f"Well {n}")
        end(page, n + 1)
    assert page.evaluate(COUNT) == {"waiting": 20} and not Filling.objects.exists()

    # The evening, with network; then everything once more, as after a lost answer.
    chromium.sign_in(page.context, clerk)  # logged in again, by the same account; before, for the page sends at once
    page.context.set_offline(False)
    assert page.evaluate(SYNC) == "done"
    assert page.evaluate(COUNT) == {"sent": 20}
    assert page.evaluate(SYNC) == "done"
    page.context.close()
    sent = Filling.objects.filter(state=Filling.State.COMPLETE)
    assert sent.count() == Filling.objects.count() == 20
    assert sent.filter(values__has_key="photo").count() == 10
    first = sent.get(values__place="Well 0")
    assert (
        first.values["depth"] == "12.5"
        and first.values["users"] == [{"name": "Awa"}]
        and first.values["since"] == "2026-01-02"
    )


def test_the_app_is_light(db):
    from django.contrib.staticfiles import finders

    offered()
    parts = [surveyor().get("/field/forms").content]
    for name in (
        "toguna.css",
        "toguna.js",
        "offline.js",
        *(
            f"forms/{one}"
            for one in ("field.js", "sheet.js", "answers.js", "expressions.js", "numbers.js", "field.css")
        ),
    ):
        found = finders.find(name)
        assert found
        parts.append(Path(found).read_bytes())
    assert sum(len(gzip.compress(part)) for part in parts) < 40_000  # fetched once, kept


# --- One meaning on both sides

WORTH = """async ([form, answers, now]) => {
  const { prepare, Filled } = await import("/static/forms/answers.js");
  const { Unknown } = await import("/static/forms/expressions.js");
  const filled = new Filled(prepare(form), answers, { now: () => now, language: "fr" });
  return filled.unknown.size ? null : filled.answers.result ?? "";
}"""


@pytest.fixture
def side(chromium) -> Any:
    page = chromium.page()
    page.goto("/static/offline.js")
    return page


def both(page: Any, expression: str, answers: dict[str, Any], *items: dict[str, Any]) -> tuple[str, str | None]:
    form = cases.form(*items, {"name": "result", "kind": "calculate", "calculation": expression})
    assert not list(plan.problems(form)), expression
    here = values.evaluate(form, answers, now=cases.NOW, language="fr").answers.get("result", "")
    there = page.evaluate(WORTH, [package.definition(form), answers, cases.NOW.isoformat(timespec="milliseconds")])
    return str(here), there


def examples() -> list[str]:
    marks = [mark for mark in cases.test_an_expression_is_worth.pytestmark if mark.name == "parametrize"]
    return [row[0] for mark in marks for row in mark.args[1]]


LEAF = st.one_of(
    st.sampled_from(
        [
            "1",
            "0",
            "-2.5",
            "0.1",
            "3",
            "'a'",
            "''",
            "'12'",
            "'b c'",
            "'2026-11-23'",
            "${n}",
            "${t}",
            "${empty}",
            "${many}",
        ]
    ),
    st.decimals(-1000, 1000, places=3, allow_nan=False).map(lambda d: f"({d})"),
)


def tree(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.tuples(
        inner,
        st.sampled_from([" + ", " - ", " * ", " div ", " mod ", " = ", " != ", " < ", " >= ", " and ", " or "]),
        inner,
    )
    calls = st.sampled_from(
        ["if({0}, {1}, {2})", "coalesce({0}, {1})", "concat({0}, {1})", "string-length({0})", "round({0}, 2)", "int({0})", "not({0})",
         "selected({0}, 'b')", "contains({0}, {1})", "starts-with({0}, {1})", "substr({0}, 1, 3)", "number({0})", "string({0})",
         "count-selected({0})", "min({0}, {1})", "max({0}, {1}, {2})", "translate({0}, 'ab', 'x')", "normalize-space({0})",
         "substring-before({0}, {1})", "substring-after({0}, {1})", "date({0})", "boolean({0})", "selected-at({0}, 1)"]
    )  # fmt: skip
    return st.one_of(
        two.map(lambda t: f"({t[0]}{t[1]}{t[2]})"),
        st.tuples(calls, inner, inner, inner).map(lambda t: t[0].format(*t[1:])),
    )


def test_the_known_examples_are_worth_the_same_on_the_phone(side):
    items = [{"name": "n", "kind": "integer"}]
    differ = []
    for expression in examples():
        here, there = both(side, expression, {}, *items)
        if there is not None and here != there:
            differ.append((expression, here, there))
    assert differ == []


def test_any_expression_is_worth_the_same_on_the_phone(side):
    items = [{"name": "n", "kind": "decimal"}, {"name": "t"}, {"name": "empty"}, {"name": "many", "kind": "text"}]
    answers = {"n": "7.25", "t": "mairie", "many": "a b c"}
    known = 0

    @settings(max_examples=150, suppress_health_check=list(HealthCheck))
    @given(st.recursive(LEAF, tree, max_leaves=6))
    def compare(expression: str) -> None:
        nonlocal known
        here, there = both(side, expression, answers, *items)
        assert there is None or here == there, expression
        known += there is not None

    compare()
    assert known > 100  # the phone knows most of it
