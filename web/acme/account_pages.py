"""Accounts at public CAs: made, changed, given a new key, given up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.sessions import actor_of
from acme_client.models import AcmeAccount
from acme_client.orders import AccountChange, AccountOrder
from acme_client.services.accounts import (
    deactivate_account,
    register_account,
    retry_account,
    roll_account_key,
    update_account,
)
from audit.admin.forms import CodeArea, SecretField
from audit.admin.pages import Facts, Section, ServicePage, Words
from kernel.ref import Ref
from web.acme.providers import Offer, offer_of, offers
from web.acme.words import account_pill, server_of
from web.asked import text_of

Status = AcmeAccount.Status
_LONGEST_ROOTS = 100_000


class DeactivationForm(forms.Form):
    """Whether the CA is told."""

    here_only = forms.BooleanField(
        label=_("Deactivate it here only"),
        required=False,
        help_text=_("The CA is not asked. For a CA that is gone: at one that is there, the account lives on."),
    )


class ContactForm(forms.Form):
    """What can be changed later, too."""

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("By which it is chosen when ordering."))
    email = forms.EmailField(
        label=_("Contact"), max_length=254, help_text=_("Where the CA writes to when something is the matter.")
    )
    preferred_chain = forms.CharField(
        label=_("Preferred chain"),
        max_length=200,
        required=False,
        help_text=_("The common name of the root, where the CA offers several chains. Empty: the one it gives first."),
    )
    approvals_needed = forms.IntegerField(
        label=_("Approvals for each order"), min_value=0, max_value=10, initial=0, help_text=_("0: none.")
    )
    approver_role = forms.CharField(
        label=_("Role of the approvers"), max_length=80, required=False, help_text=_("Empty: whoever may decide.")
    )

    sections = (
        Section("", "name", "email"),
        Section(_("Details"), "preferred_chain", "approvals_needed", "approver_role", folded=True),
    )


class AccountForm(ContactForm):
    provider = forms.ChoiceField(choices=AcmeAccount.Provider.choices, widget=forms.HiddenInput)
    environment = forms.ChoiceField(
        label=_("Environment"),
        choices=AcmeAccount.Environment.choices,
        help_text=_("Certificates of a staging environment are for trying: nobody believes them."),
    )
    directory_url = forms.URLField(
        label=_("Directory"),
        max_length=500,
        assume_scheme="https",
        help_text=_("The address at which the server begins, such as https://ca.example.com/directory"),
    )
    server_roots = forms.CharField(
        label=_("Roots of the server"),
        required=False,
        max_length=_LONGEST_ROOTS,
        widget=CodeArea(5),
        help_text=_("PEM, where its own certificate is not of a public CA."),
    )
    eab_key_id = forms.CharField(
        label=_("Key id of the binding"),
        max_length=200,
        help_text=_("The CA shows it together with the key, where you have your contract with it."),
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
    )
    eab_key = SecretField(label=_("Key of the binding"), help_text=_("Used once, and then forgotten."))
    agrees_to_terms = forms.BooleanField(label=_("I agree to the terms of the CA"))

    def fit(self, offer: Offer) -> None:
        """Leave only what this provider asks for."""
        if len(offer.environments) == 1:
            self._drop("environment")
        if not offer.is_custom:
            self._drop("directory_url", "server_roots")
        if offer.needs_binding:
            self.fields["eab_key"].required = True
        elif offer.is_custom:
            self.fields["eab_key_id"].required = False
        else:
            self._drop("eab_key_id", "eab_key")
        binding = ("eab_key_id", "eab_key")
        shown = ["directory_url", "name", "email", *(binding if offer.needs_binding else ()), "environment"]
        folded = ["server_roots", *(() if offer.needs_binding else binding), "preferred_chain"]
        self.sections = (
            Section("", *self._there(*shown, "agrees_to_terms")),
            Section(_("Details"), *self._there(*folded, "approvals_needed", "approver_role"), folded=True),
        )

    def _drop(self, *names: str) -> None:
        for name in names:
            del self.fields[name]

    def _there(self, *names: str) -> list[str]:
        return [name for name in names if name in self.fields]


class AddAccount(ServicePage):
    """The provider is chosen first, in the address: what the form asks for depends on him."""

    slug = "new"
    title = _("Add an account")
    explanation = _("Its key is made here and never leaves. One account is enough for all names.")
    submit = _("Add the account")
    form_class = AccountForm
    template_name = "web/acme/account_new.html"

    def form(self) -> forms.Form:
        form = super().form()
        if isinstance(form, AccountForm) and (offer := self._offer) is not None:
            form.fit(offer)
        return form

    def initial(self) -> Mapping[str, Any]:
        offer, email = self._offer, getattr(self.request.user, "email", "")
        if offer is None:
            return {}
        return {"provider": offer.provider, "email": email, "name": "" if offer.is_custom else offer.name}

    def context(self, form: forms.Form) -> Mapping[str, Any]:
        return {"offer": self._offer, "offers": offers()}

    def act(self, data: Mapping[str, Any]) -> Words:
        actor = actor_of(self.request)
        order = AccountOrder(
            organization=Ref("pk", actor.organization_id or 0),
            **{"environment": AcmeAccount.Environment.PRODUCTION.value, **data},
        )
        self.obj = register_account(actor=actor, order=order)
        return _("%(name)s is being registered.") % {"name": self.obj}

    @property
    def _offer(self) -> Offer | None:
        chosen = self.request.POST if self.request.method == "POST" else self.request.GET
        return offer_of(text_of(chosen, "provider"))


class _AccountPage(ServicePage):
    obj: AcmeAccount

    def is_offered(self) -> bool:
        return self.obj.status == Status.VALID

    def facts(self) -> Facts:
        return [
            (_("Account"), self.obj),
            (_("Provider"), server_of(self.obj)),
            (_("Status"), account_pill(self.obj)),
        ]


class ChangeAccount(_AccountPage):
    slug = "change"
    title = _("Change the account")
    explanation = _("A new contact is told to the CA, too.")
    submit = _("Save")
    icon = "list"
    form_class = ContactForm

    def is_offered(self) -> bool:
        return self.obj.status not in (Status.DEACTIVATED, Status.FAILED)

    def initial(self) -> Mapping[str, Any]:
        return {name: getattr(self.obj, name) for name in ContactForm.base_fields}

    def act(self, data: Mapping[str, Any]) -> Words:
        change = AccountChange(**data)
        self.obj = update_account(actor=actor_of(self.request), account=Ref("pk", self.obj.pk), change=change)
        return _("%(name)s is saved.") % {"name": self.obj}


class RollKey(_AccountPage):
    slug = "new-key"
    title = _("Give it a new key")
    explanation = _("The CA is told of a new key for the account, made here; the old one is worth nothing afterwards.")
    submit = _("Give it a new key")
    icon = "key"

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = roll_account_key(actor=actor_of(self.request), account=Ref("pk", self.obj.pk))
        return _("%(name)s gets a new key.") % {"name": self.obj}


class RetryAccount(_AccountPage):
    slug = "retry"
    title = _("Register it again")
    explanation = _("The CA is asked once more, with the same key.")
    submit = _("Register it again")
    icon = "refresh"

    def is_offered(self) -> bool:
        return self.obj.status in (Status.FAILED, Status.PENDING)

    def act(self, data: Mapping[str, Any]) -> Words:
        self.obj = retry_account(actor=actor_of(self.request), account=Ref("pk", self.obj.pk))
        return _("%(name)s is being registered.") % {"name": self.obj}


class DeactivateAccount(_AccountPage):
    slug = "deactivate"
    title = _("Deactivate the account")
    explanation = _(
        "At the CA, too, and for good: nothing is ordered or renewed by it any more. Certificates that it has ordered "
        "stay good, and renew no longer."
    )
    submit = _("Deactivate it for good")
    icon = "ban"
    is_dangerous = True
    form_class = DeactivationForm

    def is_offered(self) -> bool:
        return self.obj.status != Status.DEACTIVATED

    def act(self, data: Mapping[str, Any]) -> Words:
        actor, account = actor_of(self.request), Ref("pk", self.obj.pk)
        self.obj = deactivate_account(actor=actor, account=account, here_only=data["here_only"])
        return _("%(name)s is deactivated.") % {"name": self.obj}
