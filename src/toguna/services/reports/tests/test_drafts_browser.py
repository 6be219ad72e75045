"""Reports written without network, in a real browser: kept through a closed browser, sent once when the network is back."""

from __future__ import annotations

import pytest
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.testing_browser import open_offline, press, sound, until
from toguna.services.reports import topics

KEPT = """async () => (await Promise.all((await caches.keys()).map(async (name) =>
  (await (await caches.open(name)).keys()).map(({ url }) => new URL(url).pathname + new URL(url).search)))).flat()"""

# The photos were made small.
SMALL = "input => [...input.files].every(file => file.name === 'photo.jpg')"


@pytest.fixture
def phone(chromium, town):
    """phone() -> its page; what it keeps outlives its being closed. No script of it may break."""

    def switched_on():
        page = chromium.phone()
        page.on("pageerror", lambda error: broken.append(str(error)))
        return page

    broken: list[str] = []
    yield switched_on
    assert broken == []


@pytest.fixture
def photos(tmp_path) -> list[str]:
    paths = [tmp_path / f"{n}.jpg" for n in range(4)]
    for n, path in enumerate(paths):
        Image.new("RGB", (2000, 1200), (60 * n, 90, 20)).save(path)
    return [str(path) for path in paths]


def prepared(page, town) -> None:
    """The first visit, with network: the forms are fetched."""
    page.goto("/reports/new")
    wanted = {"/reports/new", *(f"/reports/new/{slug}?all=1" for slug in offered(town))}
    until(page, lambda: wanted <= set(page.evaluate(KEPT)))


def offered(town) -> list[str]:
    return [t.slug for t in town.topics.values() if t.active]


def ready(page) -> None:
    """Waits until the page's script has done what it does first."""
    page.evaluate("""() => import(document.querySelector("script[src*='drafts.js']").src).then(() => 1)""")


def write(page, words: str, *files: str, district: str = "Nord") -> None:
    ready(page)
    page.get_by_label("Que voyez-vous ?").fill(words)
    if district:
        page.get_by_label("Quartier").select_option(district)
    page.get_by_label("Photos").set_input_files(list(files))
    until(page, lambda: page.locator("[name=photos]").evaluate(SMALL))
    page.get_by_role("button", name="Envoyer mon signalement").click()


def test_two_reports_without_network(phone, town, opened, photos):
    page = phone()
    prepared(page, town)
    page.goto(f"/reports/{opened().code}")
    page.goto("/reports/new/pothole?place=Chez+Awa")
    kept = page.evaluate(KEPT)
    forms = {f"/reports/new/{slug}?all=1" for slug in offered(town)}
    assert {path for path in kept if not path.startswith("/static/")} == {"/reports/new", "/town.css", *forms}
    sound(page)

    page.context.set_offline(True)
    open_offline(page, "/reports/new")
    press(page.get_by_role("link", name="Nid-de-poule"))
    sound(page)
    first = page.locator("[name=client_id]").input_value()
    write(page, "Un grand trou", *photos[:2], district="")  # a district is asked: nobody could find it
    assert page.evaluate("document.activeElement.name") == "district"
    page.get_by_label("Quartier").select_option("Nord")
    page.get_by_role("button", name="Envoyer mon signalement").click()
    page.locator("#drafts li").wait_for()
    sound(page, "drafts-kept")
    page.goto("/reports/new/pothole?place=Le+pont")  # from the step before: what was typed stays
    ready(page)
    assert page.locator("[name=client_id]").input_value() != first
    assert page.get_by_label("Où est-ce ?").input_value() == "Le pont"
    write(page, "Un autre trou", *photos[2:], district="Sud")
    page.locator("#drafts li").nth(1).wait_for()
    page.context.close()  # switched off

    page = phone()
    page.context.set_offline(True)
    open_offline(page, "/reports/new")
    page.locator("#drafts li").nth(1).wait_for()
    assert page.locator("#drafts li").count() == 2
    sound(page, "drafts-waiting")
    page.locator("#drafts [data-send] button").click()  # still nothing
    page.locator("#drafts > [data-says]", has_text=".").wait_for()
    assert cases.Case.objects.count() == 1

    # The network is back, but things are refused and answers lost on the way.
    calls: list[str] = []

    def cut(route):
        calls.append(route.request.url)
        if len(calls) in (2, 6):
            route.abort()  # never left the phone
        elif len(calls) in (1, 4):
            route.fetch()  # it got there, its answer did not
            route.abort()
        elif len(calls) == 8:
            route.fulfill(status=503, body="")
        else:
            route.continue_()

    page.route("**/api/v1/reports**", cut)
    page.route("**/api/v1/reports/**", cut)
    page.context.set_offline(False)

    def sent() -> bool:
        page.evaluate("document.querySelector('#drafts [data-send]:not([hidden]) button')?.click()")
        return page.locator("#drafts .tag.done").count() == 2

    until(page, sent)
    assert len(calls) > 8
    sound(page, "drafts-sent")

    rows = {c.text: c for c in cases.Case.objects.exclude(text="Un trou")}
    assert set(rows) == {"Un grand trou", "Un autre trou"} and cases.Case.objects.count() == 3
    assert [c.photos.count() for c in rows.values()] == [2, 2]
    assert (rows["Un grand trou"].zone, rows["Un autre trou"].zone) == (town.north, town.south)
    assert str(rows["Un grand trou"].client_id) == first and rows["Un autre trou"].place == "Le pont"
    code = page.locator("#drafts .code").first
    assert code.inner_text().replace(" ", "") == rows["Un grand trou"].code
    page.locator("#drafts [data-delete]").first.click()
    page.locator("#drafts li").nth(1).wait_for(state="detached")  # else the second click meets the first one's button
    page.locator("#drafts [data-delete]").first.click()
    page.locator("#drafts").wait_for(state="hidden")
    page.reload()
    ready(page)
    assert page.locator("#drafts").is_hidden()
    page.context.close()


def test_what_the_town_refuses_is_corrected(phone, town, photos):
    """The category was closed meanwhile: its words are shown, and all that was written goes under another one."""
    page = phone()
    prepared(page, town)
    page.context.set_offline(True)
    page.goto("/reports/new/pothole?all=1")
    page.get_by_label("Position").fill("40.0, 40.0")  # outside the town
    write(page, "Un grand trou", *photos[:2], district="")
    page.locator("#drafts li").wait_for()
    page.context.set_offline(False)
    page.goto("/reports/new")
    page.locator("#drafts .tag.refused").wait_for()
    assert "hors" in page.locator("#drafts li [data-says]").inner_text()
    sound(page, "drafts-refused")
    assert not cases.Case.objects.exists()

    town.topics["pothole"].active = False
    town.topics["pothole"].save()
    topics.forget()
    page.locator("#drafts [data-correct]").click()  # closed by now: the first page again, with what was written
    page.wait_for_url("**/reports/new#draft=*")
    page.locator("a.tile[href*=draft]").first.wait_for()
    press(page.locator("a.tile[href*=street-light]"))
    until(page, lambda: page.evaluate("document.querySelector('[name=text]').value"))
    assert page.get_by_label("Que voyez-vous ?").input_value() == "Un grand trou"
    assert page.locator("[name=photos]").evaluate("(input) => input.files.length") == 2
    page.get_by_label("Position").fill("0.5, 0.5")
    page.get_by_role("button", name="Envoyer mon signalement").click()
    page.locator(".code").first.wait_for()
    case = cases.Case.objects.get()
    assert case.topic.slug != "pothole" and case.photos.count() == 2
    ready(page)
    page.goto("/reports/new")
    ready(page)
    assert page.locator("#drafts").is_hidden()  # thanked for: not kept
    page.context.close()


def test_a_form_that_does_not_arrive_waits(phone, town, photos):
    """The browser believes that there is network, and there is none; then the answer of an ordinary form is an error page."""
    page = phone()
    prepared(page, town)
    page.goto("/reports/new/pothole?all=1")
    until(page, lambda: page.evaluate("!!navigator.serviceWorker.controller"))
    page.context.route("**/reports/new/pothole?kept", lambda route: route.abort())
    write(page, "Un grand trou", *photos[:2])
    page.wait_for_url("**/reports/new")
    page.locator("#drafts .tag.done").wait_for()
    assert cases.Case.objects.get().photos.count() == 2
    page.context.unroute("**/reports/new/pothole?kept")

    page.locator("#drafts [data-delete]").click()
    page.goto("/reports/new/pothole?all=1")
    page.get_by_label("Position").fill("n'importe quoi")
    write(page, "Un second trou", *photos[2:])
    page.get_by_role("alert").first.wait_for()  # the page of the server, with what it asks for; the photos are not lost
    until(page, lambda: page.evaluate("document.querySelector('[name=photos]').files.length === 2"))
    ready(page)
    page.get_by_label("Position").fill("")
    page.get_by_role("button", name="Envoyer mon signalement").click()
    page.locator(".code").first.wait_for()
    assert cases.Case.objects.get(text="Un second trou").photos.count() == 2
    page.context.route("**/reports/new/pothole", lambda route: None)  # no answer comes: what is kept is shown instead
    page.goto("/reports/new/pothole")
    page.get_by_label("Que voyez-vous ?").wait_for()
    page.context.close()


def test_who_counts_their_data_is_sent_no_forms(phone, town):
    page = phone()
    page.context.add_init_script("Object.defineProperty(NetworkInformation.prototype, 'saveData', { get: () => true })")
    page.goto("/reports/new")
    page.evaluate("navigator.serviceWorker.ready.then(() => 1)")
    page.wait_for_timeout(1500)  # time in which nothing may be fetched
    kept = page.evaluate(KEPT)
    assert "/town.css" in kept and not [path for path in kept if path.startswith("/reports/")]
    page.context.close()
