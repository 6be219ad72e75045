"""The Django side of a room (an engine or a service): three lines in its `apps.py` are enough."""

from django.apps import AppConfig
from django.core.checks import register

from toguna.kernel import registry


class Room(AppConfig):
    """Base of every engine's and service's AppConfig. Registers the room's manifest, `service.py`, when Django is ready.

    Import this *module* in a room's `apps.py`, never the class: two AppConfig classes in one module make Django
    silently take neither.
    """

    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        registry.register_room(self.name)


class KernelConfig(Room):
    default = True  # two AppConfigs in this module: Django must be told which is the kernel's own
    name = "toguna.kernel"

    def ready(self) -> None:
        super().ready()
        register(registry.check, "toguna")
