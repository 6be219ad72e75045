"""What words mean, over all that the services of the house declare."""

from __future__ import annotations

import pytest

from toguna.engines.channels.talk import understanding
from toguna.engines.channels.talk.commands import Command
from toguna.kernel import registry


def test_no_word_belongs_to_two_commands():
    assert understanding.clashes(registry.declared(Command)) == []


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("acte de naissance", "ask-procedure"),
        ("Acte mariage", "ask-procedure"),
        ("acte 2023-014", "act"),
        ("ARRETE 12", "act"),
    ],
)
def test_an_act_is_of_the_town_or_of_the_civil_registry(typed, command):
    meant = understanding.meant(typed)
    assert meant is not None and meant.command == command
