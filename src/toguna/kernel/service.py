"""What the kernel itself declares: events and periodic work of its own, nothing of the town."""

from datetime import timedelta

from toguna.kernel import housekeeping
from toguna.kernel.manifest import Service
from toguna.kernel.tasks import Periodic

SERVICE = Service(
    name="kernel",
    provides=(
        Periodic("stalled-jobs", timedelta(minutes=5), housekeeping.retry_stalled_jobs),
        Periodic("old-rows", timedelta(days=1), housekeeping.delete_old_rows),
    ),
)
