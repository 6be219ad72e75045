"""Who may open what: every page of people and channels, for everybody; what a second factor is worth; the town hall's people."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client
from django.urls import get_resolver, reverse

from toguna.engines.channels.models import Message
from toguna.engines.people import actions, api, devices, onetime
from toguna.engines.people.demo import totp_secret
from toguna.engines.people.models import Account, Contact, GrantRow, Person, Team
from toguna.engines.people.testing import give_factor, sign_in
from toguna.engines.people.tests.test_doors import PASSWORD, code_now, staff
from toguna.kernel import town
from toguna.kernel.access import ADMINISTRATOR, AGENT, MANAGER, NOBODY, READER, Actor
from toguna.kernel.models import AuditEntry

pytestmark = pytest.mark.django_db

OPEN, RESIDENT, STAFF = {200, 302}, 200, 200
DESK = {"people", "teams", "person", "team", "messages"}
# 404: an account that is no resident's
RESIDENTS = {
    "account": 200, "account-details": 200, "account-mandates": 404, "account-data": 404, "account-erase": 404,
}  # fmt: skip
WHO = ["nobody", "resident", "no factor", "none", READER, AGENT, MANAGER, ADMINISTRATOR, "administrator of reports"]


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML"))


@pytest.fixture
def enter():
    """enter("agent") -> (client, account) of such a person."""

    def entered(who: str) -> tuple[Client, Account | None]:
        client = Client()
        if who == "nobody":
            return client, None
        if who == "resident":
            account = Account.objects.create_user(person=Person.objects.create(name="Fanta"))
            client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
            return client, account
        role, _, service = who.partition(" of ")
        grants = [] if who in ("none", "no factor") else [(role, service or "*", None)]
        account = api.create_staff(email=f"{len(who)}@mairie.test", password=PASSWORD, name=who, grants=grants)
        sign_in(client, account, factor=who != "no factor")
        return client, account

    return entered


def pages() -> set[str]:
    """The names of every page that people and channels have, allauth's apart."""
    found = set()
    for entry in get_resolver().url_patterns:
        module = getattr(entry, "urlconf_module", None)
        if getattr(module, "__name__", "") in ("toguna.engines.people.urls", "toguna.engines.channels.urls"):
            found |= {p.name for p in module.urlpatterns if p.callback and p.callback.__module__.startswith("toguna.")}
    return found - {"account_logout"}  # the same view as logout


def address(name: str) -> str:
    if name in ("person", "team"):
        made = (
            staff(email="other@mairie.test") if name == "person" else Team.objects.create(slug="t", names={"fr": "T"})
        )
        return reverse(name, args=[made.pk])
    return reverse(name, args=["00000000-0000-4000-8000-000000000000"] if name == "login-code" else [])


def test_every_page_is_in_the_matrix():
    # These have tests of their own, with what they open to whom.
    elsewhere = {
        "account-act",
        "login",
        "login-code",
        "login-who",
        "logout",
        "staff-login",
        "ussd",
        "phone",
        "phone-thread",
        "publications",
        "publication",
        "publication-new",
        "news",
        "news-feed",
        "publication-public",
        "publication-poster",
        "publication-paper",
        "publication-cap",
        "alert-rules",
        "alerts-feed",
        "news-atom",
        "subscribe",
        "subscription-confirm",
        "subscription-stop",
        "sms-in",
        "sms-dlr",
        "sms-report",
        "routes",
        "route",
        "route-new",
    }
    assert pages() == DESK | RESIDENTS.keys() | elsewhere


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", sorted(DESK))
def test_the_desk_is_the_administrators(enter, name, who):
    url = address(name)
    client, _ = enter(who)
    for answer in (client.get(url), client.post(url, {"do": "disable"})):
        if who == ADMINISTRATOR:
            assert answer.status_code in OPEN
        elif who in ("nobody", "resident", "no factor"):
            assert answer["Location"].startswith(reverse("staff-login"))
        else:
            assert answer.status_code == 403
    untouched = Account.objects.filter(email="other@mairie.test", is_active=False).count()
    assert untouched == (1 if who == ADMINISTRATOR and name == "person" else 0)


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", sorted(RESIDENTS))
def test_ones_own_page(enter, name, who):
    client, _ = enter(who)
    answer = client.get(address(name))
    if who == "nobody":
        assert answer["Location"].startswith(reverse("login"))
    else:
        assert answer.status_code == (200 if who == "resident" else RESIDENTS[name])


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", ["login", "login-code", "logout", "staff-login"])
def test_the_doors_are_open_to_all(enter, name, who):
    client, _ = enter(who)
    assert client.get(address(name)).status_code in OPEN


@pytest.mark.parametrize("who", [*WHO, "superuser", "superuser without factor"])
def test_djangos_admin_is_the_it_persons_with_a_second_factor(enter, who):
    if who.startswith("superuser"):
        client = Client()
        account = api.create_staff(email="it@mairie.test", password=PASSWORD, name="IT", superuser=True)
        sign_in(client, account, factor=who == "superuser")
    else:
        client, _ = enter(who)
    assert client.get("/admin/", follow=False).status_code == (200 if who == "superuser" else 302)
    # Its own log-in page, which asks for no second factor, lets nobody in.
    answer = client.post("/admin/login/?next=/admin/", {"username": "it@mairie.test", "password": PASSWORD})
    assert answer.status_code == 302
    assert client.get("/admin/").status_code == (200 if who == "superuser" else 302)


def test_a_password_alone_stays_worth_nothing_when_a_factor_is_added_elsewhere():
    """Who knows the password and waits until its owner has added a second factor is not let in by it."""
    account = staff(MANAGER, factor=False)
    thief = Client()
    thief.post("/account/staff/login/", {"login": account.email, "password": PASSWORD})
    assert thief.get("/account/").status_code == 200  # logged in, with no right at all
    give_factor(account)
    answer = thief.get("/desk/")
    assert answer["Location"].startswith(reverse("staff-login"))
    assert thief.get(answer["Location"])["Location"].startswith(reverse("mfa_reauthenticate"))
    assert thief.post(reverse("mfa_reauthenticate"), {"code": "000000"}).status_code == 200
    assert thief.get("/desk/").status_code == 302
    assert AuditEntry.objects.filter(action="people.second_factor_failed", account=account.pk).exists()


def test_a_second_factor_cannot_be_guessed_for_long(client):
    staff(AGENT)
    step = client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})["Location"]
    for n in range(6):
        assert client.post(step, {"code": f"{n:06}"}).status_code == 200
    assert client.post(step, {"code": code_now()}).status_code == 200  # even the right one, for some minutes
    assert client.get("/desk/").status_code == 302


def test_a_lost_telephone_ends_what_its_sessions_may_do(enter):
    boss, _ = enter(ADMINISTRATOR)
    account = staff(MANAGER)
    client = Client()
    sign_in(client, account)
    assert client.get("/desk/").status_code == 200
    boss.post(reverse("person", args=[account.pk]), {"do": "reset-second-factor"})
    assert client.get("/desk/").status_code == 302
    give_factor(account)  # a new telephone: the old session does not come back to life
    assert client.get("/desk/").status_code == 302


def test_a_disabled_account_is_out_at_once(enter):
    boss, _ = enter(ADMINISTRATOR)
    account = staff(AGENT)
    client = Client()
    sign_in(client, account)
    boss.post(reverse("person", args=[account.pk]), {"do": "disable"})
    assert client.get("/desk/").status_code == 302
    answer = client.post("/account/staff/login/", {"login": account.email, "password": PASSWORD})
    assert "/2fa/" not in answer.get("Location", "")
    boss.post(reverse("person", args=[account.pk]), {"do": "enable"})
    assert Account.objects.get(pk=account.pk).is_active


def test_rights_are_given_in_a_zone_until_a_day_and_taken_back(enter):
    boss, by = enter(ADMINISTRATOR)
    account = staff()
    url = reverse("person", args=[account.pk])
    given = {"do": "grant", "role": AGENT, "service": "people", "zone": "", "until": "2020-01-31"}
    assert boss.post(url, given).status_code == 302
    row = GrantRow.objects.get(account=account)
    assert (row.role, row.service, str(row.until)) == (AGENT, "people", "2020-01-31")
    assert api.actor_for(account.pk, [give_factor(account).pk]).grants == ()  # that day is past
    boss.post(url, {**given, "until": ""})
    assert len(api.actor_for(account.pk, [give_factor(account).pk]).grants) == 1
    assert boss.post(url, {**given, "role": "king"}).status_code == 200
    boss.post(url, {"do": "revoke", "grant": str(row.pk)})
    assert not GrantRow.objects.filter(account=account).exists()
    said = AuditEntry.objects.filter(account=by.pk).values_list("action", flat=True)
    assert {"people.grant", "people.revoke"} <= set(said)


def test_an_administrator_cannot_change_their_own_rights(enter):
    boss, by = enter(ADMINISTRATOR)
    url = reverse("person", args=[by.pk])
    for do in ("disable", "reset-second-factor"):
        assert boss.post(url, {"do": do}, follow=True).status_code == 200
    boss.post(url, {"do": "revoke", "grant": str(by.grants.get().pk)})
    assert boss.get("/desk/people/").status_code == 200
    with pytest.raises(actions.Refused):
        actions.set_active(by, False, by=Actor(account=by.pk))


def test_a_team_has_names_and_a_slug_of_its_own(enter):
    boss, _ = enter(ADMINISTRATOR)
    values = {"name_fr": "Eau", "name_pt": "", "name_en": "Water", "email": "Eau@mairie.test", "service": "*"}
    boss.post(reverse("teams"), values)
    boss.post(reverse("teams"), {**values, "name_en": "Drains"})
    first, second = Team.objects.order_by("pk")
    assert (first.names, first.slug, second.slug) == ({"fr": "Eau", "en": "Water"}, "eau", "eau-2")
    boss.post(reverse("team", args=[first.pk]), {**values, "name_fr": "Eaux"})
    first.refresh_from_db()
    assert (first.names["fr"], first.slug, first.email) == ("Eaux", "eau", "eau@mairie.test")
    assert boss.post(reverse("teams"), {"service": "*"}).status_code == 200


def test_two_commands_on_one_email_make_one_account():
    first = api.create_staff(email="A@mairie.test", password=PASSWORD, name="A", grants=[(READER, "*", None)])
    again = api.create_staff(email="a@mairie.test", password=PASSWORD, name="B", grants=[(AGENT, "*", None)])
    assert (first.pk, again.name, again.grants.get().role) == (again.pk, "B", AGENT)


def test_a_made_up_device_is_no_new_device(client):
    """Limits per device hold against whoever sends another cookie each time."""
    answers = []
    for n in range(14):
        client.cookies["device"] = f"invented-{n}"
        answers.append(client.post(reverse("login"), {"contact": f"700000{n:02}"}).status_code)
    assert answers[:12] == [302] * 12 and set(answers[12:]) == {429}


def test_a_crowd_of_new_devices_at_one_address_is_slowed_down(rf, monkeypatch):
    seen = []
    monkeypatch.setattr(onetime.limits, "hit", lambda what, who, **limit: seen.append(what))
    Client().post(reverse("login"), {"contact": "70000001"})
    assert "one-time-code-newcomers" in seen
    seen.clear()
    old = Client()
    monkeypatch.setattr(time, "time", lambda now=time.time: now() - 7200)
    old.get(reverse("login"))
    monkeypatch.undo()
    request = rf.get("/")
    request.COOKIES["device"] = old.cookies["device"].value
    assert not devices.is_new(request) and devices.device_of(request) == old.cookies["device"].value


def test_strangers_who_guess_do_not_lock_out_a_browser_that_is_known():
    account = staff(AGENT)
    mine = Client()
    right = {"login": account.email, "password": PASSWORD}
    step = mine.post("/account/staff/login/", right)["Location"]
    assert mine.post(step, {"code": code_now()}).status_code == 302
    mine.post(reverse("logout"))
    for n in range(14):
        Client(headers={"user-agent": f"bot {n}"}).post("/account/staff/login/", {**right, "password": f"guess {n}"})
    assert Client().post("/account/staff/login/", right).status_code == 429
    assert "/2fa/" in mine.post("/account/staff/login/", right)["Location"]


def test_a_code_never_opens_a_staff_account(client):
    person = Person.objects.create(name="Awa")
    Contact.objects.create(person=person, kind="phone", value="+22370000001")
    account = staff(ADMINISTRATOR)
    Account.objects.filter(pk=account.pk).update(person=person)
    challenge = onetime.ask("phone", "+22370000001", device="d")
    opened = onetime.check(challenge, onetime.demo_code(challenge))
    assert opened is not None and opened.pk != account.pk and not opened.is_team


@pytest.mark.django_db(transaction=True)
def test_no_code_is_kept_once_it_has_left(client):
    client.post(reverse("login"), {"contact": "70000001"})
    assert Message.objects.get().text
    call_command("sender", once=True)
    assert Message.objects.get().text == ""


def test_the_same_answer_for_a_number_that_is_known():
    Contact.objects.create(person=Person.objects.create(name="Awa"), kind="phone", value="+22370000002")
    known, unknown = (Client().post(reverse("login"), {"contact": c}) for c in ("70000002", "70000003"))
    assert known.status_code == unknown.status_code == 302
    pages = [Client().get(answer["Location"]).content.decode() for answer in (known, unknown)]
    assert "Awa" not in pages[0] and "•" in pages[0] and "•" in pages[1]


def test_who_has_logged_in_is_not_renamed_by_others(client):
    client.post(client.post(reverse("login"), {"contact": "70000001"})["Location"], {"code": "x"})
    onetime.OneTimeCode.objects.update(last_sent=None)
    challenge = onetime.ask("phone", "+22370000001", device="d")
    account = onetime.check(challenge, onetime.demo_code(challenge))
    found = api.person_for(name="Impostor", phone="+22370000001")
    assert found.pk == account.person_id and Person.objects.get(pk=found.pk).name == ""


def test_only_the_demo_shows_codes(client, monkeypatch):
    staff(AGENT)
    step = client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})["Location"]
    asked = client.post(reverse("login"), {"contact": "70000001"})["Location"]
    assert "data-demo-code" not in client.get(step).content.decode() + client.get(asked).content.decode()
    monkeypatch.setattr(town, "current", lambda: town.Town("Soundiakoura", "ML", demo=True))
    page = client.get(step).content.decode()
    assert f"data-demo-code>{code_now()}<" in page
    assert "data-demo-code" in client.get(asked).content.decode()
    used = code_now()
    assert client.post(step, {"code": used}).status_code == 302
    again = Client()  # at once: a code opens once, so another is shown, and it opens too
    step = again.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})["Location"]
    shown = re.search(r"data-demo-code>(\d{6})<", again.get(step).content.decode())[1]
    assert shown != used and again.post(step, {"code": shown}).status_code == 302
    client = Client()
    step = client.post("/account/staff/login/", {"login": "agent@mairie.test", "password": PASSWORD})["Location"]
    Authenticator.objects.update(data={"secret": "JBSWY3DPEHPK3PXP"})  # one that somebody enrolled: it is theirs
    assert "data-demo-code" not in client.get(step).content.decode()
    assert totp_secret("agent@mairie.test") not in page


def test_erasing_a_person_takes_their_messages_and_codes_too():
    client = Client()
    challenge = onetime.ask("phone", "+22370000001", device="d")
    account = onetime.check(challenge, onetime.demo_code(challenge))
    client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    assert Message.objects.filter(address="+22370000001").exists()
    assert "messages" in client.get(reverse("account-data")).json()
    client.post(reverse("account-erase"))
    assert not Message.objects.exists() and not onetime.OneTimeCode.objects.exists()
    assert client.get("/account/").status_code == 302


def test_pages_cost_a_fixed_number_of_statements(enter, django_assert_max_num_queries):
    boss, _ = enter(ADMINISTRATOR)
    for n in range(15):
        account = api.create_staff(email=f"{n}x@mairie.test", password="x", name=f"N{n}", grants=[(AGENT, "*", None)])
        account.teams.add(Team.objects.create(slug=f"t{n}", names={"fr": f"T{n}"}))
    boss.get("/desk/people/")
    with django_assert_max_num_queries(8):
        boss.get("/desk/people/")
    with django_assert_max_num_queries(7):
        boss.get(reverse("teams"))
    with django_assert_max_num_queries(5):
        boss.get("/desk/messages/")
    resident, _ = enter("resident")
    with django_assert_max_num_queries(14):  # two for each room that has something of theirs, whatever they have
        resident.get("/account/")


def test_nobody_is_nobody(rf):
    assert api.actor_of(rf.get("/")) is NOBODY
