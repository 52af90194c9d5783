"""Rules to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext

from kernel.text import _
from notices.subjects import Subject


@dataclass(frozen=True, slots=True)
class Preset:
    """`name` stands in addresses."""

    name: str
    label: str
    subject: Subject
    thresholds: tuple[int, ...] = ()
    tells_owner: bool = False

    def fields(self) -> dict[str, Any]:
        """What the form of a new rule begins with."""
        return {
            "name": gettext(self.label),
            "subject": self.subject.value,
            "thresholds": self.thresholds,
            "tells_owner": self.tells_owner,
        }


PRESETS: Final = (
    Preset("certificates", _("Certificates, 30/14/7/1 days"), Subject.CERTIFICATE_EXPIRING, (30, 14, 7, 1), True),
    Preset("authorities", _("Authorities, 365/180/90/30 days"), Subject.CA_EXPIRING, (365, 180, 90, 30)),
    Preset("crl", _("Late CRLs"), Subject.CRL_LATE),
    Preset("renewals", _("Renewals that fail"), Subject.RENEWAL_FAILED, tells_owner=True),
    Preset("requests", _("Requests that wait"), Subject.REQUEST_WAITING),
    Preset("log", _("The audit log does not verify"), Subject.AUDIT_BROKEN),
)


def preset(name: str) -> Preset | None:
    return next((each for each in PRESETS if each.name == name), None)
