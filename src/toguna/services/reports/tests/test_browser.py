"""The life of a report in a real browser: with JavaScript off, then on; at 320 pixels; no accessibility violation."""

from __future__ import annotations

import pytest

from toguna.engines.cases.api import Case
from toguna.kernel.testing_browser import press, sound


def test_a_report_from_the_hand_to_the_page(browse, town, hire, picture, tmp_path, run_jobs):
    photo = tmp_path / "trou.jpg"
    photo.write_bytes(picture)
    resident = browse()
    resident.goto("/")
    press(resident.get_by_role("main").get_by_role("link", name="Signaler un problème").first)
    sound(resident)
    press(resident.get_by_role("link", name="Nid-de-poule"))
    sound(resident)
    resident.get_by_label("Où est-ce ?").fill("Derrière la mosquée")
    press(resident.get_by_role("button", name="Continuer"))  # nobody knows which mosque: the district is asked
    resident.get_by_role("alert").first.wait_for()
    sound(resident)
    resident.get_by_label("Quartier").select_option("Nord")
    press(resident.get_by_role("button", name="Continuer"))
    sound(resident)
    press(resident.get_by_role("button", name="Envoyer mon signalement"))  # empty: said, not sent
    resident.get_by_role("alert").first.wait_for()
    assert not Case.objects.exists()
    sound(resident)
    resident.get_by_label("Que voyez-vous ?").fill("Un grand trou")
    resident.get_by_label("Photos").set_input_files(str(photo))
    resident.get_by_label("Votre téléphone ou votre e-mail").fill("awa@example.org")
    press(resident.get_by_role("button", name="Envoyer mon signalement"))
    code = resident.locator(".code").inner_text().replace(" ", "")
    sound(resident)
    case = Case.objects.get(code=code)
    assert case.team == town.roads and case.photos.count() == 1
    run_jobs()

    desk = browse(hire("agent", teams=[town.roads]))
    desk.goto("/desk/reports/")
    sound(desk)
    press(desk.get_by_role("link", name="Nid-de-poule").first)
    sound(desk)
    press(desk.get_by_role("link", name="Afficher (c'est enregistré)"))
    desk.get_by_text("awa@example.org").first.wait_for()
    desk.get_by_label("Message pour la personne et le public").fill("C'est rebouché")
    press(desk.get_by_role("button", name="Marquer comme résolu"))
    desk.get_by_text("C'est fait.").first.wait_for()
    run_jobs()

    resident.get_by_role("link", name="Suivre mon signalement").first.click()
    resident.get_by_text("C'est rebouché").first.wait_for()
    resident.get_by_role("img", name="Photo du signalement").first.wait_for()
    sound(resident)
    resident.get_by_label("Votre message").fill("Le trou est revenu")
    press(resident.get_by_role("button", name="Non, ce n'est pas résolu"))
    resident.get_by_text("l'équipe lit votre réponse").first.wait_for()
    case.refresh_from_db()
    assert case.state == "accepted"
    resident.goto("/reports/")
    sound(resident)
    resident.get_by_text("Un grand trou").first.wait_for()


@pytest.mark.parametrize("path", ["/reports/follow", "/reports/new", "/reports/new/pothole", "/reports/"])
def test_pages_are_light(client, opened, path):
    """Under 30 kB compressed with the style and the script: what a page costs on 2G."""
    import gzip

    from django.contrib.staticfiles.storage import staticfiles_storage

    for n in range(55):
        opened(lon=0.01 + n / 60, text=f"Un trou numéro {n}, devant la maison {n * 7919}")
    parts = [client.get(path).content]
    for name in ("toguna.css", "toguna.js", "territory/map.js"):
        with staticfiles_storage.open(staticfiles_storage.stored_name(name)) as file:
            parts.append(file.read())
    assert sum(len(gzip.compress(part)) for part in parts) < 30_000
