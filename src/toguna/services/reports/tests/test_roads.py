"""A blocked road that was reported: nothing is closed until an officer says so; what is settled opens it again."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from toguna.engines.cases import api as cases
from toguna.engines.people import api as people
from toguna.engines.territory.models import Closure
from toguna.services.reports import roads


def test_an_officer_confirms_and_the_report_ends_it(town, hire, opened, run_jobs, sign_in):
    blocked, _other = opened("road-obstruction"), opened("pothole")
    run_jobs()
    account = people.create_staff(
        email="officer@town.test", password="long enough to be one", name="Officer",
        grants=[("manager", "territory", None), ("manager", "reports", None)],
    )  # fmt: skip
    officer = Client()
    sign_in(officer, account)
    page = officer.get(reverse("desk-closures")).content.decode()
    assert f"reports:{blocked.pk}" in page and reverse("desk-report", args=[blocked.code]) in page
    assert page.count('name="source"') == 1 and not Closure.objects.exists()
    asked = {"source": f"reports:{blocked.pk}"}
    assert hire("reader").post(reverse("desk-closure-confirm"), asked).status_code == 403
    assert not Closure.objects.exists()
    for _ in range(2):
        officer.post(reverse("desk-closure-confirm"), asked)
    closure = Closure.objects.get()
    assert closure.source == f"reports:{blocked.pk}" and closure.ends is None and closure.geom.equals(blocked.point)
    assert 'name="source"' not in officer.get(reverse("desk-closures")).content.decode()
    cases.Case.objects.filter(pk=blocked.pk).update(open=False, state="solved")
    roads.on_moved(cases.CaseMoved(blocked.pk, "reports", 1, "received", "solved"))
    closure.refresh_from_db()
    assert closure.ends is not None


def test_works_that_started_take_the_road_when_an_officer_says_so_until_they_end(town, hire, opened, run_jobs, sign_in):
    hole = opened("pothole")
    run_jobs()
    account = people.create_staff(
        email="officer@town.test", password="long enough to be one", name="Officer",
        grants=[("manager", "territory", None), ("manager", "reports", None)],
    )  # fmt: skip
    officer = Client(headers={"accept-language": "en"})
    sign_in(officer, account)
    source = f"reports:{hole.pk}:works"
    assert source not in officer.get(reverse("desk-closures")).content.decode()

    def move(transition: str) -> None:
        officer.post(f"/desk/reports/{hole.code}/act", {"do": "move", "transition": transition, "words": "Done"})
        run_jobs()

    move("start")
    hole.refresh_from_db()
    assert hole.state == "started"
    page = officer.get(reverse("desk-closures")).content.decode()
    assert f'value="{source}"' in page and "Works: " in page and not Closure.objects.exists()
    officer.post(reverse("desk-closure-confirm"), {"source": source})
    closure = Closure.objects.get()
    assert (closure.source, closure.reason, closure.ends) == (source, "works", None)
    move("solve")
    closure.refresh_from_db()
    assert closure.ends is not None and source not in officer.get(reverse("desk-closures")).content.decode()


def test_what_nobody_reported_is_not_closed(town, hire, opened):
    opened("pothole")
    hire("manager").post(reverse("desk-closure-confirm"), {"source": "reports:1"})
    assert not Closure.objects.exists()
