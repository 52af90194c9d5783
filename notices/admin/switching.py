"""What is out of use for a while, and back: the same question of channels and of rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

from audit.admin.pages import ServicePage, Words


class Switch(ServicePage):
    """`switch` calls the service."""

    def switch(self, *, is_active: bool) -> Any:
        """The row as it is then; it has a name. Raises DomainError."""
        raise NotImplementedError


class SwitchOff(Switch):
    slug = "disable"
    title = _("Switch off")
    submit = _("Switch it off")
    icon = "pause"

    def is_offered(self) -> bool:
        return bool(self.obj.is_active)

    def act(self, data: Mapping[str, Any]) -> Words:
        return _("%(name)s is switched off.") % {"name": self.switch(is_active=False).name}


class SwitchOn(Switch):
    slug = "enable"
    title = _("Switch on")
    submit = _("Switch it on")
    icon = "check"

    def is_offered(self) -> bool:
        return not self.obj.is_active

    def act(self, data: Mapping[str, Any]) -> Words:
        return _("%(name)s is switched on.") % {"name": self.switch(is_active=True).name}
