"""A CSR against a template: what would be issued for it, or every reason why nothing would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from audit.admin.html import moment
from audit.admin.pages import Facts, Section, ServicePage, Words
from cas.admin.words import demands_text, purposes_text
from cas.core.general_names import general_name_text
from cas.core.keys import algorithm_of
from cas.core.leaf import LeafPlan
from cas.core.names import format_name
from cas.core.usages import extended_key_usage_name
from cas.describe import key_words
from certificates.admin.issue import CsrForm
from certificates.orders import IssueOrder
from certificates.services.preview import preview_issuance
from kernel.errors import FieldError, Invalid, field_error
from kernel.ref import Ref
from web.issuing.preview import label_of


class TryForm(CsrForm):
    """Only the CSR is asked for: the template is known, and nothing is issued."""

    sections: tuple[Section, ...] = (Section("", "csr", "csr_file"),)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields = {name: self.fields[name] for name in ("csr", "csr_file")}


class TryCsr(ServicePage):
    slug = "try"
    title = _("Try a CSR")
    explanation = _("What would be issued for it, or every reason why nothing would be. Nothing is issued.")
    check = _("Judge it")
    icon = "search"
    form_class = TryForm

    def is_offered(self) -> bool:
        return self.obj.retired_at is None

    def preview(self, data: Mapping[str, Any]) -> Facts:
        order = IssueOrder(template=self.obj.code, ca=Ref("pk", self.obj.ca_id), key=data["csr"])
        shown = preview_issuance(actor=actor_of(self.request), order=order)
        if shown.plan is None:
            raise Invalid(errors=map(_about_the_csr, shown.findings))
        return [*_facts(shown.plan), (_("Approval"), demands_text(self.obj.ca, self.obj.role, self.obj))]


def _about_the_csr(finding: FieldError) -> FieldError:
    """The same beside the one field there is, in words: what it is about, where its sentence does not say so."""
    about, sentence = label_of(finding), finding.message.render(gettext)
    return field_error("csr", finding.code, "%(said)s", said=f"{about}: {sentence}" if about else sentence)


def _facts(plan: LeafPlan) -> Iterator[tuple[Words, object]]:
    yield _("Subject"), format_name(plan.subject) or "–"
    yield _("Names"), ", ".join(map(general_name_text, plan.sans)) or "–"
    yield _("Key"), key_words(algorithm_of(plan.public_key))
    yield _("Purpose"), purposes_text([extended_key_usage_name(oid) for oid in plan.extended_key_usage])
    yield _("Valid from"), moment(plan.not_before)
    yield _("Expires"), moment(plan.not_after)
