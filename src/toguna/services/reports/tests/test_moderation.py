"""Moderation through its pages: residents flag, the moderator hides, changes, covers, erases; nobody else."""

from __future__ import annotations

import io
import re

import pytest
from django.test import Client
from PIL import Image

from toguna.engines.cases import api as cases
from toguna.kernel.access import SYSTEM

ADDRESSES = ("/desk/moderation/", "/desk/moderation/{code}", "/desk/moderation/{code}/photo/{photo}")


@pytest.fixture
def pictured(opened, picture, run_jobs):
    case = opened(photos=(picture,))
    run_jobs()
    return case


def page(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("role", ["nobody", "", "reader", "agent", "manager", "administrator"])
def test_who_opens_and_who_acts(role, hire, pictured):
    client = Client() if role == "nobody" else hire(role)
    may = role in ("manager", "administrator")
    photo = pictured.photos.get()
    for address in ADDRESSES:
        expected = 200 if may else 302 if role == "nobody" else 403
        assert client.get(address.format(code=pictured.code, photo=photo.pk)).status_code == expected
    client.post(f"/desk/moderation/{pictured.code}", {"do": "hide", "words": "x"})
    client.post(f"/desk/moderation/{pictured.code}/photo/{photo.pk}", {"cell": "0-0"})
    pictured.refresh_from_db()
    photo.refresh_from_db()
    assert (pictured.public, photo.redacted) == (not may, may)


def test_a_manager_of_another_district_or_of_another_category(hire, opened, town):
    case = opened()  # in Nord, a pothole
    for client in (hire("manager", zone=town.south.pk), hire("manager", service="revenue")):
        assert client.get(f"/desk/moderation/{case.code}").status_code in (403, 404)
        assert client.post(f"/desk/moderation/{case.code}", {"do": "erase", "words": "x"}).status_code in (403, 404)
    cases.flag(case.pk, "person", "", by=SYSTEM, device="d")
    assert case.code[:3] not in page(hire("manager", zone=town.south.pk), "/desk/moderation/")
    assert case.code[:3] in page(hire("manager", zone=town.north.pk), "/desk/moderation/")
    assert cases.Case.objects.filter(pk=case.pk, public=True).exists()


def test_from_a_flag_to_its_settling(hire, opened):
    case, anyone, head = opened(), Client(), hire("manager")
    assert f"/reports/{case.code}/flag" in page(anyone, f"/reports/{case.code}")
    page(anyone, f"/reports/{case.code}/flag")
    said = anyone.post(f"/reports/{case.code}/flag", {"reason": "person", "words": "C'est ma maison"}, follow=True)
    assert said.status_code == 200 and said.redirect_chain
    anyone.post(f"/reports/{case.code}/flag", {"reason": "person"})
    assert anyone.post(f"/reports/{case.code}/flag", {"reason": "boring"}).status_code == 200  # and says why
    assert case.code[:3] in page(head, "/desk/moderation/")
    shown = page(head, f"/desk/moderation/{case.code}")
    assert shown.count("C&#x27;est ma maison") == 1
    head.post(f"/desk/moderation/{case.code}", {"do": "settle"})
    assert case.code[:3] not in page(head, "/desk/moderation/")
    assert "ma maison" not in page(anyone, f"/reports/{case.code}")


def test_flags_are_limited_by_device_and_never_by_address(opened, monkeypatch):
    from toguna.services.reports.moderation import views

    monkeypatch.setattr(views, "PER_DAY", 3)
    known, other = Client(), Client()
    known.get(f"/reports/{opened().code}/flag")
    other.get(f"/reports/{opened().code}/flag")
    made = [opened() for _ in range(4)]
    codes = [known.post(f"/reports/{c.code}/flag", {"reason": "other"}).status_code for c in made]
    assert codes == [302, 302, 302, 429]
    assert other.post(f"/reports/{made[0].code}/flag", {"reason": "other"}).status_code == 302


def test_a_private_report_cannot_be_flagged(opened):
    case = opened()
    cases.hide(case.pk, "x", by=SYSTEM)
    assert Client().post(f"/reports/{case.code}/flag", {"reason": "other"}).status_code == 404


def test_hidden_means_hidden_everywhere(hire, opened):
    case, head = opened(text="Chez Mariam"), hire("manager")
    doors = (f"/reports/{case.code}", "/reports/", "/api/v1/reports", "/open311/v2/requests.json")
    assert [door for door in doors if "Chez Mariam" not in Client().get(door).content.decode()] == []
    head.post(f"/desk/moderation/{case.code}", {"do": "hide", "words": "donne un nom"})
    assert [door for door in doors if "Chez Mariam" in Client().get(door).content.decode()] == []
    assert "donne un nom" not in Client().get(f"/reports/{case.code}").content.decode()
    assert "Chez Mariam" in page(head, f"/desk/reports/{case.code}")
    head.post(f"/desk/moderation/{case.code}", {"do": "show"})
    assert "Chez Mariam" in page(Client(), f"/reports/{case.code}")


def test_other_words(hire, opened):
    case, head = opened(text="Mamadou jette"), hire("manager")
    step = cases.reply(case.pk, "Bonjour Mamadou", by=SYSTEM)
    assert step is not None
    shown = page(head, f"/desk/moderation/{case.code}")
    assert f'name="what" value="{step.pk}"' in shown and 'name="what" value="text"' in shown
    head.post(f"/desk/moderation/{case.code}", {"do": "reword", "what": "text", "words": "Quelqu'un jette"})
    head.post(
        f"/desk/moderation/{case.code}", {"do": "reword", "what": str(step.pk), "words": "Bonjour", "forget": "yes"}
    )
    seen = page(Client(), f"/reports/{case.code}")
    assert "Mamadou" not in seen and "Quelqu&#x27;un jette" in seen
    staff = page(head, f"/desk/reports/{case.code}")
    assert "Mamadou jette" in staff and "Bonjour Mamadou" not in staff


@pytest.mark.parametrize(
    "ticked",
    [
        {"cell": ["0-0", "0-1", "1-0", "1-1"]},
        {"exact": "0 0 16.7 16.7"},
        {"exact": "0, 0, 8, 16.7\n\n8 0 16.7 16.7"},
    ],
)
def test_parts_of_a_photo_are_covered_without_javascript(
    hire, pictured, ticked, run_jobs, django_capture_on_commit_callbacks
):
    head, photo = hire("manager"), pictured.photos.get()
    former = f"/photos/{photo.public_id}/large.jpg"
    address = f"/desk/moderation/{pictured.code}/photo/{photo.pk}"
    assert page(head, address).count('type="checkbox"') == 144
    with django_capture_on_commit_callbacks(execute=True):
        assert head.post(address, ticked).status_code == 302
    photo.refresh_from_db()
    assert Client().get(former).status_code == 404 and head.get(former).status_code == 404
    data = b"".join(Client().get(f"/photos/{photo.public_id}/large.jpg").streaming_content)
    with Image.open(io.BytesIO(data)) as image:
        inside, outside = image.getpixel((100, 60)), image.getpixel((1000, 600))
    assert max(inside) < 60 and outside[0] > 120  # dark where it was ticked, brown as before elsewhere
    assert str(photo.public_id) in page(Client(), f"/reports/{pictured.code}")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"cell": "12-0"},
        {"cell": "x"},
        {"cell": "0"},
        {"exact": "1 2 3"},
        {"exact": "5 5 5 5"},
        {"exact": "a b c d"},
        {"exact": "0 0 nan 1"},
        {"cell": "-1-0"},
    ],
)
def test_what_makes_no_sense_covers_nothing(hire, pictured, wrong):
    head, photo = hire("manager"), pictured.photos.get()
    response = head.post(f"/desk/moderation/{pictured.code}/photo/{photo.pk}", wrong)
    assert response.status_code == 200 and "notice error" in response.content.decode()
    assert cases.Photo.objects.get(pk=photo.pk).public_id == photo.public_id


def test_a_photo_of_another_report_is_not_reached(hire, pictured, opened):
    head, photo, other = hire("manager"), pictured.photos.get(), opened()
    for body in (
        {"do": "remove-photo", "photo": photo.pk},
        {"do": "hide-photo", "photo": "9" * 30},
        {"do": "hide-photo"},
    ):
        head.post(f"/desk/moderation/{other.code}", body)
    assert head.get(f"/desk/moderation/{other.code}/photo/{photo.pk}").status_code == 404
    photo.refresh_from_db()
    assert photo.public and photo.state == "ready"


def test_a_photo_hidden_shown_and_removed(hire, pictured):
    head, photo = hire("manager"), pictured.photos.get()
    for do, status in (("hide-photo", 404), ("show-photo", 200), ("remove-photo", 404)):
        head.post(f"/desk/moderation/{pictured.code}", {"do": do, "photo": photo.pk})
        assert Client().get(f"/photos/{photo.public_id}/small.jpg").status_code == status


def test_erased(hire, pictured):
    head = hire("manager")
    head.post(f"/desk/moderation/{pictured.code}", {"do": "erase", "words": ""})
    assert cases.Case.objects.count() == 1
    head.post(f"/desk/moderation/{pictured.code}", {"do": "erase", "words": "demandé"})
    assert cases.Case.objects.count() == 0
    assert Client().get(f"/reports/{pictured.code}").status_code == 404


def test_found_by_its_code(hire, opened):
    case, head = opened(), hire("manager")
    typed = f"{case.code[:3].lower()} {case.code[3:]}"
    assert head.get("/desk/moderation/", {"code": typed}).headers["Location"] == f"/desk/moderation/{case.code}"
    assert "ZZZZZZ" in head.get("/desk/moderation/", {"code": "ZZZZZZ"}).content.decode()


def test_an_anonymous_report_cannot_be_moderated_into_having_words(hire, opened):
    from django.utils import timezone

    case, head = opened(), hire("manager")
    cases.Case.objects.filter(pk=case.pk).update(anonymised=timezone.now(), text="")
    head.post(f"/desk/moderation/{case.code}", {"do": "reword", "what": "text", "words": "Mamadou"})
    assert cases.Case.objects.get(pk=case.pk).text == ""


@pytest.mark.parametrize("language", ["fr", "pt", "en"])
def test_its_pages_say_the_town_s_words(hire, pictured, language):
    """No page of it holds an English sentence in another language (the catalogues are looked at by the contract)."""
    head, photo = hire("manager"), pictured.photos.get()
    for address in ADDRESSES:
        said = head.get(
            address.format(code=pictured.code, photo=photo.pk), headers={"accept-language": language}
        ).content.decode()
        assert f'lang="{language}"' in said and not re.search(r"%\(\w+\)s", said)


def test_moderation_of_a_merged_report_keeps_its_own_words(hire, opened):
    main, other = opened(text="Un trou"), opened(text="Le trou de Mamadou")
    cases.merge(main.pk, [other.pk], by=SYSTEM)
    cases.reword(other.pk, "text", "", by=SYSTEM, forget=True)
    assert cases.Case.objects.get(pk=main.pk).text == "Un trou"


def test_what_another_body_said_goes_with_the_rest(opened, town):
    from datetime import timedelta

    from django.utils import timezone

    from toguna.engines.cases import retention
    from toguna.services.reports.models import Body, RemoteUpdate, Transfer

    case, other = opened(), opened()
    body = Body.objects.create(slug="eau", names={"fr": "Société des eaux"})
    for row in (case, other):
        Transfer.objects.create(case=row, body=body, state="closed", remote_id=f"R{row.pk}", trouble="Mme Diallo")
        RemoteUpdate.objects.create(case=row, body=body, update_id=f"U{row.pk}")
    cases.move(case.pk, "solve", by=SYSTEM)
    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=9999))
    retention.run()
    assert list(Transfer.objects.order_by("id").values_list("remote_id", "trouble", "state")) == [
        ("", "", "closed"),
        (f"R{other.pk}", "Mme Diallo", "closed"),
    ]
    assert list(RemoteUpdate.objects.values_list("case", flat=True)) == [other.pk]
    cases.erase(other.pk, "asked for", by=SYSTEM)
    assert not RemoteUpdate.objects.exists() and Transfer.objects.count() == 1


def test_the_page_of_an_anonymous_report(opened):
    from datetime import timedelta

    from django.utils import timezone

    from toguna.engines.cases import retention

    case = opened(text="Chez Mariam", lon=0.51234, lat=0.51234)
    cases.move(case.pk, "solve", by=SYSTEM)
    cases.Case.objects.filter(pk=case.pk).update(closed=timezone.now() - timedelta(days=9999))
    assert "0.51234" in page(Client(), f"/reports/{case.code}")
    retention.run()
    said = page(Client(), f"/reports/{case.code}")
    assert "Mariam" not in said and "0.51" not in said and 'class="notice"' in said
