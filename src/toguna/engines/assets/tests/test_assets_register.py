"""The register, its labels, its table, who sees what; fuel by page and by SMS; the way that a device says."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date, datetime, timedelta
from itertools import count

import openpyxl
import pypdfium2
import pytest
import zxingcpp
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.test import Client
from django.utils import timezone
from PIL import Image

from toguna.engines.assets import actions, commands, demo, fuel, photos, reads, work
from toguna.engines.assets.models import Asset, Fill, Keeper
from toguna.engines.assets.tests.conftest import DRIVER, HEAD, MECHANIC
from toguna.engines.channels import api as channels
from toguna.engines.people import api as people
from toguna.engines.telemetry import api as telemetry
from toguna.engines.telemetry.testing import own_spool
from toguna.engines.territory import zones
from toguna.engines.territory.models import Zone
from toguna.kernel.access import NOBODY, SYSTEM
from toguna.kernel.demo import DemoFiles
from toguna.kernel.testing import forget_jobs
from toguna.kernel.testing_browser import look


def test_added_changed_labelled_and_its_label_opens_it(hire):
    forget_jobs()
    head = hire("manager")
    new = {
        "client_id": str(uuid.uuid4()), "kind": "vehicle", "name": "Tipper", "serial": "VM-7", "tank": "120", "km": "500",
        "price": "12 000 000", "keepers": "70000001, 70000002", "public": "on",
    }  # fmt: skip
    for _twice in range(2):
        assert head.post("/desk/assets/new", new).status_code == 302
    row = Asset.objects.get()
    assert (row.km, row.price, row.keepers.count(), row.state) == (500, 12_000_000, 2, "service")
    assert head.post("/desk/assets/new", new | {"name": ""}).status_code == 422
    head.post(f"/desk/assets/at/{row.code}/edit", new | {"unit": "Roads", "keepers": "70000002"})
    row.refresh_from_db()
    assert (row.unit, row.keepers.get().phone, row.km) == ("Roads", "+22370000002", 500)
    paper = head.get("/desk/assets/labels.pdf?q=Tipper")
    page = pypdfium2.PdfDocument(paper.content)[0].render(scale=3).to_pil()
    bars, seen = sorted((one.text for one in zxingcpp.read_barcodes(page)), key=len)
    assert bars == row.code, "a reader of bars types the code"
    path = seen[seen.index("/a/") :]
    assert path == f"/a/{row.code}" and "Tipper" in head.get(path).content.decode()
    assert head.get(f"/a/{row.code[:3].lower()} {row.code[3:]}").status_code == 200
    photo = io.BytesIO()
    page.save(photo, "PNG")
    photo.seek(0)
    photo.name = "label.png"
    assert hire("agent").post("/a/", {"photo": photo}).url == path
    maker = io.BytesIO()
    bar = zxingcpp.create_barcode(bars, zxingcpp.BarcodeFormat.Code128)
    Image.fromarray(zxingcpp.write_barcode_to_image(bar, scale=4)).save(maker, "PNG")
    maker.seek(0)
    maker.name = "bars.png"
    assert hire("agent").post("/a/", {"photo": maker}).url == path, "the bars alone, the QR being torn off"
    assert hire("agent").post("/a/", {"code": bars.lower()}).url == path
    assert hire("agent").post("/a/", {"code": "ZZZZZZ"}).status_code == 422
    assert Client().get(path).status_code == 302  # to the log-in page


def test_photos_are_kept_with_it(truck, hire):
    page = io.BytesIO()
    Image.new("RGB", (60, 40), "red").save(page, "JPEG")
    page.seek(0)
    page.name = "truck.jpg"
    head = hire("manager")
    sent = {"do": "photo", "photo": page, "client_id": str(uuid.uuid4())}
    assert "/documents/" in head.post(f"/desk/assets/at/{truck.code}/act", sent, follow=True).content.decode()
    assert photos.may_read(MECHANIC, truck.pk) and not photos.may_read(NOBODY, truck.pk)


def test_each_role_does_what_it_may(truck, hire):
    reader, agent = hire("reader"), hire("agent")
    for path in (
        "/desk/assets/",
        "/desk/assets/orders/",
        "/desk/assets/fuel/",
        "/desk/assets/due/",
        "/desk/assets/parts/",
        f"/a/{truck.code}",
    ):
        assert reader.get(path).status_code == 200, path
    assert reader.post(f"/a/{truck.code}", {"do": "broken", "words": "x"}).status_code == 403
    assert agent.get("/desk/assets/new").status_code == 403
    act = f"/desk/assets/at/{truck.code}/act"
    assert agent.post(act, {"do": "state", "state": "retired"}).status_code == 403
    assert (
        agent.post(
            act, {"do": "paper", "kind": "visit", "ends": "2030-01-01", "client_id": str(uuid.uuid4())}
        ).status_code
        == 403
    )
    assert agent.post(act, {"do": "state", "state": "broken", "why": "x"}).status_code == 302
    made = fuel.fill(truck.pk, 300, by=MECHANIC, client_id=uuid.uuid4())
    assert agent.post("/desk/assets/fuel/", {"do": "strike", "fill": made.pk}).status_code == 403


def test_a_grant_for_a_zone_reaches_its_equipment_only(hire, truck):
    shape = MultiPolygon(Polygon.from_bbox((-8.1, 12.5, -8.0, 12.6)), srid=4326)
    zone = Zone.objects.create(level=2, name="North", names={}, source="t:1", geom=shape)
    zones.forget()
    there = actions.save(None, actions.Told("pump", "Pump", point=Point(-8.05, 12.55, srid=4326)), by=HEAD)
    assert there.zone_id == zone.pk
    mine = hire("manager", zone.pk)
    page = mine.get("/desk/assets/").content.decode()
    assert there.code in page.replace(" ", "") and "VM-101" not in page
    assert mine.get(f"/a/{truck.code}").status_code == 403
    assert mine.get(f"/desk/assets/at/{there.code}").status_code == 200
    order = work.open_order(truck.pk, "Paint", by=HEAD)
    assert mine.get(f"/desk/assets/orders/{order.pk}").status_code == 403
    work.save_paper(truck.pk, "visit", timezone.localdate(), by=HEAD)
    work.save_paper(there.pk, "visit", timezone.localdate(), by=HEAD)
    work.tell_due()
    text = channels.Message.objects.get(address=mine.account.email).text
    assert there.code in text and truck.code not in text


def test_a_table_out_and_in_again_all_or_nothing(truck, hire):
    head = hire("manager")
    out = head.get("/desk/assets/register.csv")
    assert "VM-101" in out.content.decode()

    def bring(words: str):
        file = io.BytesIO(words.encode())
        file.name = "register.csv"
        return head.post("/desk/assets/import", {"file": file}, follow=True)

    assert "1 was changed" in bring(out.content.decode().replace("Tipper", "Large tipper")).content.decode()
    truck.refresh_from_db()
    assert truck.name == "Large tipper" and truck.km == 10_000 and truck.keepers.count() == 1
    table = "kind;name;serial;price;bought;km\npompe;Pump;P-1;1 500;31/03/2024;\nvehicle;=Van;V-1;;;12 000\n"
    bad = bring(table + "vehicle;Car;C-1;abc;;\n")
    assert bad.status_code == 422 and "Line 4" in bad.content.decode() and Asset.objects.count() == 1
    for _twice in range(2):
        bring(table.replace("pompe", "pump"))
    assert Asset.objects.count() == 3
    assert (Asset.objects.get(serial="P-1").price, Asset.objects.get(serial="V-1").km) == (1500, 12_000)
    assert "'=Van" in head.get("/desk/assets/register.csv").content.decode()


def test_a_spreadsheet_keeps_its_days_and_numbers(hire):
    head, book, file = hire("manager"), openpyxl.Workbook(), io.BytesIO()
    book.active.append(["kind", "name", "serial", "bought", "km", "price"])
    book.active.append(["vehicle", "Van", "V-9", datetime(2024, 3, 31), 12000.0, 1500])
    book.save(file)
    file.seek(0)
    file.name = "register.xlsx"
    assert head.post("/desk/assets/import", {"file": file}).status_code == 302
    row = Asset.objects.get()
    assert (row.bought, row.km, row.price) == (date(2024, 3, 31), 12_000, 1500)
    broken = io.BytesIO(b"PK\x03\x04 no workbook")
    broken.name = "register.xlsx"
    assert "cannot be read" in head.post("/desk/assets/import", {"file": broken}).content.decode()


# Fuel


@pytest.fixture
def say(truck):
    sent = count()

    def said(text: str, phone: str = DRIVER) -> str:
        row = channels.receive("sms", phone, text, reference=f"a{next(sent)}")
        row.refresh_from_db()
        return row.answer.text if row.answer else ""

    return said


@pytest.mark.parametrize("word", ["FUEL", "CARBU", "COMBUSTIVEL"])
def test_fuel_by_sms_of_whom_the_register_knows(truck, say, word):
    assert "40 l" in say(f"{word} {truck.code} 40 10250 31000")
    made = Fill.objects.get()
    truck.refresh_from_db()
    assert (made.volume, made.metres, made.price, made.channel, truck.km) == (40_000, 10_250_000, 31_000, "sms", 10_250)
    refused = say(f"{word} {truck.code} 40 10300", "+22370000099")
    assert refused and refused == say(f"{word} ZZZZZZ 40 10300")  # what is none, and what is another's: the same words
    assert "K7M4XZ 40 12350" in say(f"{word} {truck.code}")
    assert Fill.objects.count() == 1


def test_a_breakdown_by_sms(truck, say):
    assert "VM-101 est en panne" in say(f"PANNE {truck.code} freins")
    truck.refresh_from_db()
    assert truck.state == "broken" and truck.orders.get().title == "freins"


def _fills(truck, rows, start=None):
    """rows: (litres, km), every other day."""
    at = start or timezone.now() - timedelta(days=40)
    made = []
    for litres, km in rows:
        made.append(
            fuel.fill(truck.pk, litres, km=km, at=at, by=MECHANIC, client_id=uuid.uuid4(), price=round(litres) * 700)
        )
        at += timedelta(days=2)
        truck.refresh_from_db()
    return made


def test_what_is_strange_about_fuel_is_said_and_settled(truck, hire):
    usual = _fills(truck, [(30, 10_000 + 100 * n) for n in range(1, 7)])
    assert all(one.odd == [] for one in usual)
    later = timezone.now() - timedelta(days=20)
    cases = [
        ((60, 10_700), ["burns"]),
        ((140, 10_800), ["tank"]),
        ((30, 10_100), ["back"]),
        ((30, 99_000), ["far"]),
        ((31, 10_900), []),
    ]
    for (litres, km), odd in cases:
        (made,) = _fills(truck, [(litres, km)], later)
        later += timedelta(days=1)
        assert made.odd == odd
    assert truck.km == 10_900  # neither the one that went back nor the one that went too far moved it
    again = fuel.fill(truck.pk, 10, by=MECHANIC, client_id=uuid.uuid4(), at=later - timedelta(hours=23, minutes=30))
    assert again.odd == ["twice"]
    head = hire("manager")
    page = head.get("/desk/assets/fuel/").content.decode()
    assert "more than the tank holds" in page and "the odometer went back" in page
    head.post("/desk/assets/fuel/", {"do": "strike", "fill": again.pk})
    again.refresh_from_db()
    assert again.struck and again.seen


def test_fuel_that_does_not_fill_the_tank_is_judged_with_the_next_that_does(truck, say):
    _fills(truck, [(30, 10_000 + 100 * n) for n in range(1, 7)])
    at, found = timezone.now() - timedelta(days=20), []
    for litres, km, full in ((10, 10_690, False), (22, 10_700, True), (15, 10_750, False), (40, 10_800, True)):
        made = fuel.fill(truck.pk, litres, km=km, full=full, at=at, by=MECHANIC, client_id=uuid.uuid4())
        at += timedelta(days=1)
        found.append(made.odd)
    assert found == [[], [], [], ["burns"]]  # 32 litres for 100 km; then 55
    assert "5 l" in say(f"CARBU {truck.code} 5 10810 PARTIEL")
    assert not Fill.objects.get(volume=5000).full and Fill.objects.filter(full=True).count() == 8


def test_cost_of_a_kilometre(truck):
    _fills(truck, [(30, 10_100), (30, 10_200), (30, 10_300)])
    order = work.open_order(truck.pk, "Brakes", by=MECHANIC)
    work.finish(order.pk, by=MECHANIC, other=20_000)
    now = timezone.now()
    cost = reads.costs([truck.pk], now - timedelta(days=60), now + timedelta(minutes=1))[truck.pk]
    assert (cost.fuel, cost.work, cost.metres) == (63_000, 20_000, 200_000)
    assert (cost.a_km, cost.litres_100) == (415, 45.0)


def test_fuel_on_the_page_of_a_driver_once(truck, hire):
    driver = hire("agent")
    sent = {"do": "fuel", "client_id": str(uuid.uuid4()), "litres": "40.5", "km": "10100", "price": "31 000"}
    for _twice in range(2):
        driver.post(f"/a/{truck.code}", sent)
    made = Fill.objects.get()
    assert (made.volume, made.price, made.channel) == (40_500, 31_000, "web")
    assert (
        "Check"
        in driver.post(f"/a/{truck.code}", sent | {"client_id": str(uuid.uuid4())}, follow=True).content.decode()
    )
    back = driver.post(f"/a/{truck.code}", {"do": "meter", "km": "900", "hours": ""}, follow=True).content.decode()
    assert "does not go back" in back


@pytest.fixture
def heard(tmp_path):
    with own_spool(tmp_path / "spool"):
        yield


def test_the_way_that_its_device_says_is_added_once(truck, heard):
    device = telemetry.register_device("van-7", "http", telemetry.Told(name="Truck 1", fastest=300), by=SYSTEM)
    told = actions.Told("vehicle", "Tipper", "VM-101", device=device.pk)
    actions.save(truck, told, by=HEAD)
    start = timezone.now() - timedelta(minutes=30)
    Asset.objects.update(tracked=start)
    way = [
        telemetry.Observation(at=(start + timedelta(minutes=n)).timestamp(), lat=12.6, lon=-8.0 + n * 0.01)
        for n in range(6)
    ]
    telemetry.ingest("van-7", way, door="http")
    assert (actions.follow(), actions.follow()) == (1, 0)
    truck.refresh_from_db()
    assert 10_005 <= truck.km <= 10_006
    with pytest.raises(actions.Refused):
        actions.save(None, told, by=HEAD)


def test_what_comes_late_of_its_way_is_added_too(truck, heard):
    device = telemetry.register_device("van-8", "http", telemetry.Told(name="Truck 1", fastest=300), by=SYSTEM)
    actions.tie(truck.pk, device.pk, by=HEAD)
    start = timezone.now() - timedelta(hours=3)
    Asset.objects.update(tracked=start)

    def went(*minutes: int) -> int:
        """A hundredth of a degree to the east each minute, and as far to the north between the 10th and the 20th; the metres added."""
        telemetry.ingest(
            "van-8",
            [
                telemetry.Observation(
                    at=(start + timedelta(minutes=n)).timestamp(), lat=12.6 + (0.02 if 10 < n < 20 else 0), lon=-8.0 + n / 100
                )
                for n in minutes
            ],
            door="http",
        )  # fmt: skip
        before = Asset.objects.get().metres
        actions.follow()
        return Asset.objects.get().metres - before

    assert 32_300 < went(0, 10, 20, 30) < 32_700
    assert 800 < went(15) < 950  # it had no network in the north
    assert went() == 0
    actions.follow(start + timedelta(hours=26))  # its day is over
    row = Asset.objects.get()
    assert row.tracked == start + timedelta(minutes=30) and row.ahead == 0
    actions.read_meter(truck.pk, km=row.km + 5, by=HEAD)  # what the meter shows has all until now in it
    assert went(31, 32) == 0


def test_a_person_takes_and_erases_what_is_known_of_them(truck):
    person = people.person_for(name="Issa", phone=DRIVER)
    assert actions.export(person.pk)[0]["code"] == truck.code
    actions.erase(person.pk)
    assert not Keeper.objects.exists()


def test_the_demo_twice_is_the_demo_once(db, tmp_path, hire):
    forget_jobs()
    files = DemoFiles(tmp_path, 1000, timezone.localdate(), lambda step, share: None)
    for _twice in range(2):
        demo.load(files)
    assert Asset.objects.count() == len(demo.EQUIPMENT)
    head = hire("manager")
    assert "VM-201" in head.get("/desk/assets/fuel/").content.decode()
    for row in Asset.objects.all()[:4]:
        assert head.get(f"/desk/assets/at/{row.code}").status_code == 200
    assert commands.FUEL.keywords["fr"][0] == "CARBU"


def test_lists_cost_the_same_however_long(hire, django_assert_max_num_queries):
    forget_jobs()
    head = hire("manager")
    for number in range(30):
        row = actions.save(None, actions.Told("vehicle", f"Van {number:02}", tank=50), km=100, by=HEAD)
        work.open_order(row.pk, "Paint", by=HEAD)
        fuel.fill(row.pk, 20, km=200, by=HEAD, client_id=uuid.uuid4())
    head.get("/desk/assets/")
    for path, most in (
        ("/desk/assets/", 12),
        ("/desk/assets/orders/", 14),
        ("/desk/assets/fuel/", 14),
        ("/desk/assets/due/", 14),
    ):
        with django_assert_max_num_queries(most):
            assert head.get(path).status_code == 200


def test_no_two_fields_of_a_page_have_the_same_id(truck, hire):
    head = hire("manager")
    work.open_order(truck.pk, "Paint", by=HEAD)
    work.save_part("A", "Bolt", by=HEAD)
    for path in (f"/a/{truck.code}", f"/desk/assets/at/{truck.code}", "/desk/assets/parts/"):
        ids = re.findall(r'<(?:input|select|textarea)[^>]* id="([^"]+)"', head.get(path).content.decode())
        assert len(ids) > 4 and len(ids) == len(set(ids)), path


def test_a_warranty_that_ends_soon_is_said_and_shown_on_its_page(db, hire):
    today, head = timezone.localdate(), hire("manager")
    ends = {"ENDED": -1, "TODAY": 0, "SOON": 60, "LATER": 61, "GONE": 30}
    rows = {
        name: actions.save(
            None, actions.Told("computer", f"Computer {name}", name, warranty=today + timedelta(days=days)), by=HEAD
        )
        for name, days in ends.items()
    }
    Asset.objects.filter(pk=rows["GONE"].pk).update(state="retired")
    page = head.get("/desk/assets/due/").content.decode()
    assert [name for name in ends if f"Computer {name}" in page] == ["TODAY", "SOON"]
    assert page.index("Computer TODAY") < page.index("Computer SOON")
    said = {name: head.get(f"/desk/assets/at/{row.code}").content.decode() for name, row in rows.items()}
    assert [name for name in ends if "under warranty" in said[name]] == ["TODAY", "SOON", "LATER", "GONE"]
    assert "Warranty until" in said["ENDED"]


def test_however_dear_it_is_its_amounts_stand_on_one_line_of_a_telephone(truck, hire, chromium):
    fuel.fill(truck.pk, 90, km=20_000, price=123_456_789, by=HEAD, client_id=uuid.uuid4())
    page = chromium.page(hire("manager"))
    assert "789\xa0FCFA" in look(page, f"/desk/assets/at/{truck.code}")
