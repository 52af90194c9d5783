"""Fields that the forms about roles, templates and CAs share."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from cas.core.keys import KeyAlgorithm
from cas.describe import key_words
from cas.models import CertificateAuthority

ALGORITHM_CHOICES = [(algorithm.value, key_words(algorithm)) for algorithm in KeyAlgorithm]


def issuing_authorities() -> QuerySet[CertificateAuthority]:
    """Those that could sign: in service, their key here."""
    active = CertificateAuthority.objects.filter(status=CertificateAuthority.Status.ACTIVE, key__isnull=False)
    return active.select_related("organization").order_by("organization__name", "name")


class AuthorityField(forms.ModelChoiceField):
    """A CA, with the organization it belongs to."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.name} ({obj.organization})"


class ApprovalFields(forms.Form):
    """Who must say yes before anything is issued."""

    requires_approval = forms.BooleanField(
        label=_("Needs an approval"),
        required=False,
        help_text=_("The strictest of authority, role and template counts."),
    )
    approver_role = forms.CharField(label=_("Role of the approvers"), max_length=80, required=False)
    approvals_needed = forms.IntegerField(label=_("How many approvals"), min_value=1, max_value=10, initial=1)


APPROVAL = ("requires_approval", "approver_role", "approvals_needed")
