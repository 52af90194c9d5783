"""The worker's application and its timetable."""

from __future__ import annotations

import os
from typing import Any, Final

from celery import Celery
from celery.signals import worker_init

from pkiproject import tracing as tracing  # it listens to what is sent and what begins

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pkiproject.settings")


def _every(seconds: int, task: str) -> dict[str, Any]:
    """A sweep; one that waited a whole interval expires, for the next is there already."""
    return {"task": task, "schedule": seconds, "options": {"expires": seconds}}


TIMETABLE: Final = {
    "show that tasks are done": _every(10, "pkiproject.tasks.show_life"),
    "seal the audit log": _every(1, "audit.tasks.seal"),
    "verify the audit log": _every(3600, "audit.tasks.check_due_logs"),
    "publish due CRLs": _every(5, "certificates.tasks.publish_due_crls"),
    "fulfil approved requests": _every(5, "certificates.tasks.fulfil_approved"),
    "renew certificates": _every(30, "certificates.tasks.renew_due_certificates"),
    "carry out public orders": _every(5, "acme_client.tasks.advance_orders"),
    "renew public certificates": _every(60, "acme_client.tasks.renew_public_certificates"),
    "look where certificates are used": _every(60, "certificates.tasks.look_where_used"),
    "forget old answers": _every(60, "api.tasks.forget_answers"),
    "forget ended tokens": _every(600, "accounts.tasks.forget_ended_tokens"),
    "send invitations": _every(5, "accounts.tasks.send_invitations"),
    "count certificates": _every(300, "certificates.tasks.take_tallies"),
    "look for what is to be told": _every(60, "notices.tasks.tell_due"),
    "tell programs what happened": _every(5, "notices.tasks.follow_events"),
    "send messages": _every(5, "notices.tasks.send_due_deliveries"),
    "forget old messages": _every(3600, "notices.tasks.forget_old_deliveries"),
    "rotate OCSP responders": _every(300, "certificates.tasks.rotate_responders"),
}

app = Celery("chancery")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.conf.beat_schedule = TIMETABLE
# In memory: no file that a crash can spoil, and no sweep is rarer than restarts are.
app.conf.beat_scheduler = "celery.beat:Scheduler"


@worker_init.connect
def _require_right_master_key(**_: Any) -> None:
    from pkiproject.masterkey import require_right_master_key, watch_master_key

    require_right_master_key()
    watch_master_key()
