"""What a change of a role or a template would break, shown before it is saved."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.policy import holds
from accounts.sessions import actor_of
from audit.admin.pages import Facts, ServicePage
from certificates.services.impact import Impact
from kernel.permissions import Permission


class Considered(ServicePage):
    """A change that is judged by what was issued. What would break something is saved when that has been read."""

    check = _("Check what it would break")
    anyway = _("Save nevertheless")
    consequences_template = "admin/_impact.html"

    impact: Impact | None = None

    def order(self, data: Mapping[str, Any]) -> Any:
        """The change as its service takes it."""
        raise NotImplementedError

    def foresee(self, order: Any) -> Impact:
        """Raises DomainError."""
        raise NotImplementedError

    def preview(self, data: Mapping[str, Any]) -> Facts:
        self.impact = self.foresee(self.order(data))
        return ()

    def warning(self, data: Mapping[str, Any]) -> str:
        if not holds(actor_of(self.request), Permission.CERTIFICATES_READ):
            return ""
        order = self.order(data)
        word = sha256(repr(order).encode()).hexdigest()
        if self.request.POST.get("confirmed") == word:
            return word
        self.impact = self.foresee(order)
        return "" if self.impact.is_harmless else word
