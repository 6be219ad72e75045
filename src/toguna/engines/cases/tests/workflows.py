"""Two workflows as a town would write them, and a case type that follows such ones."""

from __future__ import annotations

from toguna.engines.cases import api as cases
from toguna.engines.cases.definition import _loaded
from toguna.engines.people import api as people
from toguna.engines.people.testing import give_factor
from toguna.kernel import registry
from toguna.kernel.access import AGENT, MANAGER, READER, SYSTEM, Permission
from toguna.kernel.manifest import Service

TEAMS = ("roads", "fire", "health", "land")
ALL = ["favourable", "reserved"]


def state(name, kind="open", **more):
    return {"name": name, "title": {"en": name.capitalize(), "fr": f"{name} (fr)"}, "kind": kind, **more}


def way(name, before, after, who="staff", **more):
    return {"name": name, "verb": {"en": name.capitalize()}, "from": before, "to": after, "who": who, **more}


CERTIFICATE = {
    "initial": "asked", "days": 2,
    "states": [state("asked", days=2), state("issued", "done")],
    "transitions": [way("issue", ["asked"], "issued")],
}  # fmt: skip
PERMIT = {
    "initial": "asked",
    "days": 45,
    "states": [
        state("asked", days=3),
        state("examined", "waiting", days=15, escalate="land"),
        state("decision", days=20, silence={"days": 20, "take": "tacit"}),
        state("incomplete", "waiting", stops=True),
        state("granted", "done"),
        state("refused", "refused"),
    ],
    "transitions": [
        way("examine", ["asked"], "examined", fee={"name": "file", "title": {"en": "File"}, "amount": 10000},
            opinions={"of": [{"team": team, "days": 10} for team in TEAMS], "silent": "favourable"}),
        way("return", ["asked", "examined", "decision"], "incomplete", ask="yes", returns=["plan", "title"]),
        way("complete", ["incomplete"], "asked", "applicant"),
        way("all", ["examined"], "decision", "law", when=["@opinions", "in", ALL]),
        way("unfavourable", ["examined"], "refused", "law", when=["@opinions", "=", "unfavourable"]),
        way("sign", ["examined", "decision"], "granted", "role:agent", when=["@opinions", "in", ALL]),
        way("reject", ["decision"], "refused", ask="yes"),
        way("tacit", ["decision"], "granted", "law"),
    ],
}  # fmt: skip
KIND = cases.CaseType(
    "permits", "Permits", (cases.State("asked", "Asked", "open"), cases.State("done", "Done", "done")),
    (cases.Transition("do", "Do", frozenset({"asked"}), "done", "permits.handle"),), "asked", "permits.read",
    "permits.handle", "report", "permits-desk-case", set_up="permits.set_up",
)  # fmt: skip
RIGHTS = (
    Permission("permits.read", "Read", frozenset({READER, AGENT, MANAGER})),
    Permission("permits.handle", "Handle", frozenset({AGENT, MANAGER})),
    Permission("permits.set_up", "Set up", frozenset({MANAGER})),
)


class Building:
    """A town with the case type `permits`, four services and the people of them."""

    @classmethod
    def ready(cls, monkeypatch):
        made = cls()
        made.monkeypatch, made.more = monkeypatch, []
        made.declare()
        _loaded.cache_clear()  # versions of another test's town have the same numbers
        made.topic = cases.Topic.objects.create(case_type="permits", slug="building", names={"en": "Building"})
        made.teams = {slug: people.Team.objects.create(slug=slug, names={"en": slug}) for slug in TEAMS}
        made.accounts = {}
        made.agent = made.hire("agent", AGENT)
        made.reader = made.hire("reader", READER)
        made.firefighter = made.hire("fire", READER, "fire")
        made.publish("building", PERMIT)
        made.publish("certificate", CERTIFICATE)
        yield made
        registry._declared.cache_clear()

    def declare(self, *more):
        self.more += more
        self.monkeypatch.setitem(
            registry._services, "permits", Service("permits", provides=(KIND, *RIGHTS, *self.more))
        )
        registry._declared.cache_clear()

    def hire(self, name, role, *teams):
        account = people.create_staff(
            email=f"{name}@permits.test", password="long enough to be one", name=name, grants=[(role, "permits", None)]
        )
        account.teams.set([self.teams[slug] for slug in teams])
        self.accounts[name] = account
        return people.actor_for(account.pk, {give_factor(account).pk})

    def publish(self, slug, definition):
        return cases.publish_workflow(slug, definition, by=SYSTEM, type="permits")

    def open(self, slug):
        asked = cases.Asked(type="permits", topic=self.topic, workflow=slug, answers={"floors": 2})
        return cases.open_case(asked, by=SYSTEM)[0]
