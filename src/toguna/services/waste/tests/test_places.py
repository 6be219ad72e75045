"""Places: what a town begins with, the nearest by SMS and on the web, the register at the desk."""

from __future__ import annotations

import io
import json
import uuid
from datetime import datetime, timedelta

import openpyxl
import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone, translation
from django.utils.dates import WEEKDAYS_ABBR

from toguna.engines.opendata.datasets import Dataset
from toguna.engines.territory import tiles
from toguna.kernel import registry
from toguna.services.waste import opening
from toguna.services.waste.models import Material, PlaceSaid, Taken, WastePlace
from toguna.services.waste.places import starter

AT = "SRID=4326;POINT({} 0.05)"


def _open_data() -> list[dict]:
    body = Client().get("/data/waste-places.geojson")
    return json.loads(b"".join(body.streaming_content) if body.streaming else body.content)["features"]


@pytest.fixture
def places(town):
    """A bin and a buyer of plastic in Nord, a dearer buyer in Sud, a shop that is closed at this hour."""
    made = {}
    for code, kind, name, lon, zone, prices in (
        ("PAC222", "bin", "Bac du marché", 0.0502, town.north, {"household": None}),
        ("ACH222", "buyer", "Plastiques Sira", 0.052, town.north, {"plastic": 75}),
        ("ACH333", "buyer", "Récup Diarra", 0.15, town.south, {"plastic": 90, "metal": 150}),
    ):
        row = WastePlace.objects.create(
            code=code, kind=kind, name=name, point=AT.format(lon), zone=zone, capacity=1100 if kind == "bin" else 0
        )
        for slug, price in prices.items():
            Taken.objects.create(place=row, material=Material.objects.get(slug=slug), price=price)
        made[code] = row
    return made


def test_materials_are_put_in_once_and_stay_as_the_town_changed_them(db):
    starter.load()
    Material.objects.filter(slug="plastic").update(points=99)
    starter.load()
    assert Material.objects.count() == len(starter.MATERIALS)
    assert Material.objects.get(slug="plastic").points == 99


def test_the_nearest_by_sms_with_its_price(say, places):
    answer = say("WHERE PLASTIC mosquée de Nord")
    first, second = answer.split("\n")
    assert first.startswith("Plastiques Sira: 2") and "75 FCFA" in first and "Récup Diarra" in second
    assert "repère" in say("OU BIDONS", "+22370000009")
    assert "Bac du marché" in say("WHERE rubbish mosquée de Nord", "+22370000008")
    assert "takes this" in say("WHERE glass mosquée de Nord", "+22370000007")


def test_the_best_price_is_found_however_far(say, places, client):
    other = WastePlace.objects.create(
        code="REV222", kind="reseller", name="Chez Awa", point=AT.format(0.053), zone=places["ACH222"].zone
    )
    Taken.objects.create(place=other, material=Material.objects.get(slug="plastic"))
    lines = say("WHERE PLASTIC mosquée de Nord").split("\n")
    assert [line.split(":")[0] for line in lines] == ["Plastiques Sira", "Chez Awa", "Best price"]
    assert "Récup Diarra: 11" in lines[2] and "90 FCFA a kg" in lines[2]

    def order(query: str) -> list[str]:
        return [one.place.name for one in client.get(f"/waste/places?material=plastic{query}").context["found"]]

    assert order("&q=mosquée de Nord") == ["Plastiques Sira", "Chez Awa", "Récup Diarra"]
    best = ["Récup Diarra", "Plastiques Sira", "Chez Awa"]
    assert order("&q=mosquée de Nord&sort=price") == best and order("") == best
    assert order("&kind=reseller") == ["Chez Awa"]
    page = client.get(
        "/waste/places?material=plastic&q=mosquée de Nord", headers={"accept-language": "en"}
    ).content.decode()
    assert "sort=price" in page
    tomorrow = [(timezone.localdate() + timedelta(days=1)).isoweekday()]
    for n in range(5):
        row = WastePlace.objects.create(code=f"FERME{n}", kind="buyer", name=f"Fermé {n}", point=AT.format(0.06))
        Taken.objects.create(place=row, material=Material.objects.get(slug="plastic"))
    WastePlace.objects.exclude(code="ACH333").update(hours=[{"days": tomorrow, "from": "08:00", "to": "12:00"}])
    Taken.objects.filter(place__code="ACH333").update(price=50)
    lines = say("WHERE PLASTIC mosquée de Nord", "+22370000009").split("\n")
    assert len(lines) == 3 and lines[2].startswith("Open now: Récup Diarra")


def test_where_in_the_middle_of_a_sentence_is_not_the_command(say, places):
    assert "Plastiques" not in say("a hole where plastic lies near mosquée de Nord", "+22370000006")


def test_a_bin_is_said_to_be_full_once(say, places, client):
    assert "Bac du" in say("BIN FULL PAC222")
    assert PlaceSaid.objects.get().what == "full"
    say("BIN FULL mosquée de Nord", "+22370000009")
    assert PlaceSaid.objects.count() == 1, "said by somebody else within some hours, it is the same"
    page = client.get("/waste/p/PAC222", headers={"accept-language": "en"})
    assert "Said to be full" in page.content.decode() and 'href="/truck/PAC222"' in page.content.decode()
    assert client.get("/truck/PAC222").status_code == 200 and b"/truck/" not in client.get("/waste/p/ACH222").content
    sent = {"what": "dirty", "client_id": str(uuid.uuid4())}
    for _again in range(2):
        client.post("/waste/p/PAC222", sent)
    assert PlaceSaid.objects.filter(what="dirty").count() == 1
    assert client.post("/waste/p/PAC222", {"what": "nonsense"}).status_code == 302
    assert PlaceSaid.objects.count() == 2


def test_of_a_shop_one_says_only_that_it_is_gone(client, places):
    assert [what for what, _words in client.get("/waste/p/PAC222").context["whats"]] == PlaceSaid.What.values
    assert [what for what, _words in client.get("/waste/p/ACH222").context["whats"]] == ["gone"]


def test_the_search_on_the_web(client, places, django_assert_max_num_queries):
    en = {"headers": {"accept-language": "en"}}
    with django_assert_max_num_queries(12):
        page = client.get("/waste/places?material=plastic&q=mosquée de Nord", **en).content.decode()
    assert page.index("Plastiques Sira") < page.index("Récup Diarra") and "75" in page
    assert "Bac du" not in page
    assert "No place" in client.get("/waste/places?material=glass", **en).content.decode()
    WastePlace.objects.filter(code="ACH222").update(hours=[{"days": [], "from": "00:00", "to": "00:01"}])
    page = client.get("/waste/places?material=plastic&open=1", **en).content.decode()
    assert "Plastiques Sira" not in page and "Récup Diarra" in page


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", ""),
        ("7h-12h, 15:00-19:00", "07:00-12:00, 15:00-19:00"),
        ("Mon-Fri 8:00-17:00; Sat 8-12", "Mon-Fri 08:00-17:00; Sat 08:00-12:00"),
        ("lundi au vendredi 8h-12h 14h-17h", "Mon-Fri 08:00-12:00, 14:00-17:00"),
        ("segunda-feira a sexta-feira 8:00-17:00, sáb 9-11", "Mon-Fri 08:00-17:00; Sat 09:00-11:00"),
        ("8:00-20:30", "08:00-20:30"),
        ("7 h 30-12 h 15 14h-18h", "07:30-12:15, 14:00-18:00"),
        ("jeu 6-14", "Thu 06:00-14:00"),
        ("Sun, Wed 10:00-24:00", "Wed, Sun 10:00-23:59"),
        ("sam-lun 8-9", "Mon, Sat, Sun 08:00-09:00"),
    ],
)
def test_hours_are_read_as_people_write_them_and_shown_so_that_they_are_read_again(typed, kept):
    rows = opening.read(typed)
    assert opening.shown(rows) == kept and opening.read(opening.shown(rows)) == rows
    for language in ("fr", "pt"):
        with translation.override(language):
            assert opening.read(opening.shown(rows)) == rows


@pytest.mark.parametrize(
    "typed", ["late", "8-12 and 11-13", "Mon-Fri", "Foo 8-12", "12-8", "Mon-Fri 8-12; Fri 11-13", "8-20 dim 9h"]
)
def test_wrong_hours_are_refused(typed):
    with pytest.raises(ValidationError):
        opening.read(typed)


def test_when_it_opens_is_said():
    hours = opening.read("Mon-Fri 8-12, 14-17; Sun 9-12")
    said = {
        (1, 9): "", (1, 13): "closed now, opens at 14:00", (1, 17): "closed now, opens Tue at 08:00",
        (5, 18): "closed now, opens Sun at 09:00", (7, 12): "closed now, opens Mon at 08:00",
    }  # fmt: skip
    for (day, hour), words in said.items():
        at = timezone.make_aware(datetime(2026, 11, 29 + day if day < 2 else 22 + day, hour))  # 30 November: a Monday
        assert (
            at.isoweekday() == day and opening.closed(hours, at) == words and opening.is_open(hours, at) == (not words)
        )
    with translation.override("fr"):
        assert (
            opening.closed(hours, timezone.make_aware(datetime(2026, 11, 28, 9)))
            == "fermé maintenant, ouvre dim à 09:00"
        )
    assert opening.closed([]) == "" and opening.closed([{"days": [], "from": "00:00", "to": "00:01"}]) == "closed now"


def test_nobody_is_sent_to_a_closed_buyer_without_a_word(say, places, client):
    tomorrow = timezone.localdate() + timedelta(days=1)
    WastePlace.objects.filter(code="ACH222").update(
        hours=[{"days": [tomorrow.isoweekday()], "from": "08:00", "to": "12:00"}]
    )
    opens = f"closed now, opens {WEEKDAYS_ABBR[tomorrow.weekday()]} at 08:00"
    assert opens in say("WHERE PLASTIC mosquée de Nord").split("\n")[0]
    en = {"headers": {"accept-language": "en"}}
    assert opens in client.get("/waste/places?material=plastic&q=mosquée de Nord", **en).content.decode()
    assert opens in client.get("/waste/p/ACH222", **en).content.decode()


def test_the_map_and_the_open_data_show_what_is_public(places):
    WastePlace.objects.filter(code="ACH333").update(public=False)
    dataset = registry.find(Dataset, "waste-places")
    dataset.trial()
    layer = registry.find(tiles.TileLayer, "waste-places")
    assert layer is not None
    rows = _open_data()
    assert {row["properties"]["code"] for row in rows} == {"PAC222", "ACH222"}
    assert next(r for r in rows if r["properties"]["code"] == "ACH222")["properties"]["prices"] == "plastic=75"


def test_the_desk_adds_moves_and_closes_within_its_districts(hire, town, places):
    agent = hire("agent", town.north.pk)
    form = {
        "client_id": str(uuid.uuid4()), "kind": "sorting", "name": "Point de tri", "position": "0.051, 0.051", "capacity": "3000",
        "hours": "Mon-Fri 7:00-12:00; Sun 8:00-10:00", "state": "open", "public": "1", "takes_plastic": "0", "takes_metal": "120",
    }  # fmt: skip
    for _again in range(2):
        agent.post("/desk/waste/places/new", form)
    row = WastePlace.objects.get(kind="sorting")
    assert row.zone == town.north
    days = [{"days": [1, 2, 3, 4, 5], "from": "07:00", "to": "12:00"}, {"days": [7], "from": "08:00", "to": "10:00"}]
    assert row.hours == days
    shown = agent.get(f"/desk/waste/places/{row.code}").context["form"]["hours"].value()
    agent.post(f"/desk/waste/places/{row.code}", form | {"hours": shown})
    row.refresh_from_db()
    assert row.hours == days, "what is edited keeps its days"
    said = {r["properties"]["code"]: r["properties"]["hours"] for r in _open_data()}
    assert said[row.code] == "Mo,Tu,We,Th,Fr 07:00-12:00; Su 08:00-10:00"
    assert {(t.material.slug, t.price) for t in row.taken.select_related("material")} == {
        ("plastic", None),
        ("metal", 120),
    }
    moved = agent.post(f"/desk/waste/places/{row.code}", form | {"position": "0.05, 0.15"})
    row.refresh_from_db()
    assert moved.status_code == 403 and row.zone == town.north, "not into a district that is not theirs"
    assert agent.get(f"/desk/waste/places/{places['ACH333'].code}").status_code == 403
    assert "Récup" not in agent.get("/desk/waste/places/").content.decode()
    agent.post(f"/desk/waste/places/{row.code}", form | {"state": "closed"})
    assert row.code not in agent.get("/desk/waste/places/").content.decode()
    assert agent.post(f"/desk/waste/places/{row.code}", form | {"hours": "late"}).status_code == 422
    labels = agent.get("/desk/waste/places/labels.pdf")
    assert labels["Content-Type"] == "application/pdf" and labels.content.startswith(b"%PDF")
    assert hire("reader").get("/desk/waste/places/new").status_code == 403


def test_what_people_say_is_dealt_with_at_the_desk(hire, say, places):
    say("BIN FULL PAC222")
    agent = hire("agent")
    said = PlaceSaid.objects.get()
    assert "Bac du marché" in agent.get("/desk/waste/places/").content.decode()
    agent.post("/desk/waste/places/dealt", {"said": [said.pk]})
    said.refresh_from_db()
    assert said.done is not None


def _brought(client, words: str, name: str = "places.csv"):
    return client.post("/desk/waste/places/import", {"file": SimpleUploadedFile(name, words.encode())}, follow=True)


def test_the_register_as_a_table_out_and_in_again_all_or_nothing(hire, town, places):
    agent = hire("agent")
    out = agent.get("/desk/waste/places/register.csv").content.decode()
    assert "ACH333;buyer;Récup Diarra;;0.050000;0.150000;;;;plastic=90 FCFA; metal=150 FCFA" in out.replace('"', "")
    assert "3 were changed" in _brought(agent, out.replace("Récup Diarra", "Récup Traoré")).content.decode()
    row = WastePlace.objects.get(code="ACH333")
    assert row.name == "Récup Traoré" and {t.price for t in row.taken.all()} == {90, 150}
    table = (
        "Kind;Name;lat;lon;litres;hours;served;takes\n"
        "bac;Bac de l’école;0,051;0.051;1 100;;lun-ven 6:00-7:00;household\n"
        "revendeur;Chez Awa;0.052;0.052;;dim 8-12;;plastic=1 500; metal\n".replace(
            "plastic=1 500; metal", '"plastic=1 500; metal"'
        )
        + "bin;bac du MARCHÉ;0.05001;0.0502;660;;;household\n"
    )
    fr = hire("agent")
    fr.defaults["HTTP_ACCEPT_LANGUAGE"] = "fr"
    wrong = _brought(
        fr,
        table + "bin;Loin;5;5;;;;\nfusée;Fusée;0.05;0.05;;;;\nbin;Tard;0.05;0.06;;late;;\nbin;Or;0.05;0.06;;;;gold\n",
    )
    assert wrong.status_code == 422 and WastePlace.objects.count() == 3
    assert [f"Ligne {n}" in wrong.content.decode() for n in range(2, 9)] == [
        False,
        False,
        False,
        True,
        True,
        True,
        True,
    ]
    for _again in range(2):
        assert _brought(fr, table).status_code == 200
    assert WastePlace.objects.count() == 5, (
        "brought again, nothing is twice; what was entered by hand is known by its name there"
    )
    school, awa = WastePlace.objects.get(name="Bac de l’école"), WastePlace.objects.get(name="Chez Awa")
    assert (school.kind, school.capacity, school.zone) == ("bin", 1100, town.north)
    assert school.served == [{"days": [1, 2, 3, 4, 5], "from": "06:00", "to": "07:00"}] and school.hours == []
    assert awa.kind == "reseller" and {t.material.slug: t.price for t in awa.taken.all()} == {
        "plastic": 1500,
        "metal": None,
    }
    assert WastePlace.objects.get(code="PAC222").capacity == 660
    here = hire("agent", town.north.pk)
    assert _brought(here, "kind;name;lat;lon\nbin;Ailleurs;0.05;0.15\n").status_code == 403
    assert "Chez Awa" in here.get("/desk/waste/places/register.csv").content.decode()
    assert "Récup" not in here.get("/desk/waste/places/register.csv").content.decode()
    assert hire("reader").get("/desk/waste/places/import").status_code == 403


def test_a_spreadsheet_of_places(hire, places):
    book, file = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["kind", "name", "lat", "lon", "litres"])
    book.active.append(["bin", "Bac 9", 0.053, 0.053, 660.0])
    book.save(file)
    sent = SimpleUploadedFile("places.xlsx", file.getvalue())
    assert hire("agent").post("/desk/waste/places/import", {"file": sent}).status_code == 302
    assert WastePlace.objects.get(name="Bac 9").capacity == 660
