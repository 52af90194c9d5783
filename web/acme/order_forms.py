"""What somebody fills in who wants a certificate from a public CA."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django import forms
from django.db import models
from django.utils.translation import gettext_lazy as _

from acme_client.models import AcmeAccount, AcmeOrder
from acme_client.orders import PublicOrder
from audit.admin.forms import CodeArea, LinesField, add_domain_error
from cas.core.csr import LONGEST as LONGEST_CSR
from cas.core.csr import CsrFacts, read_csr
from cas.core.general_names import general_name_text
from cas.core.keys import KeyAlgorithm
from cas.describe import key_words
from certificates.admin.edit import TagsField
from certificates.orders import Managed
from kernel.errors import Invalid
from kernel.ref import Ref
from web.acme.words import server_of

Challenge = AcmeOrder.Challenge
Status = AcmeAccount.Status

# What every public CA takes, the usual one first.
_KEYS = (
    KeyAlgorithm.ECDSA_P256,
    KeyAlgorithm.ECDSA_P384,
    KeyAlgorithm.RSA_2048,
    KeyAlgorithm.RSA_3072,
    KeyAlgorithm.RSA_4096,
)


class Way(models.TextChoices):
    """Where the private key is made."""

    MANAGED = "managed", _("Here, on the server, and collected once")
    CSR = "csr", _("Elsewhere: I bring a signing request (CSR)")


class AccountField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Any) -> str:
        parts = [obj.name, server_of(obj)]
        if obj.environment != AcmeAccount.Environment.PRODUCTION:
            parts.append(obj.get_environment_display())
        return " · ".join(dict.fromkeys(parts))


class OrderForm(forms.Form):
    account = AccountField(
        AcmeAccount.objects.filter(status__in=(Status.PENDING, Status.VALID)).order_by("name"), label=_("Account")
    )
    names = LinesField(
        label=_("Names"),
        rows=4,
        help_text=_("One to a line, such as www.example.com or *.example.com. Empty with a CSR: the names in it."),
    )
    challenge_type = forms.ChoiceField(
        label=_("How the names are proven"),
        choices=[
            (Challenge.HTTP, _("http-01: a page at port 80 of each name, which this installation answers")),
            (Challenge.DNS, _("dns-01: a TXT record of each name; needs no way in, and is the only one for wildcards")),
            (Challenge.TLS_ALPN, _("tls-alpn-01: at port 443 of each name, by the listener of this installation")),
        ],
        widget=forms.RadioSelect(attrs={"class": "lines"}),
    )
    way = forms.ChoiceField(
        label=_("Where the private key is made"),
        choices=Way.choices,
        initial=Way.MANAGED,
        widget=forms.RadioSelect(attrs={"class": "lines"}),
    )
    key_algorithm = forms.ChoiceField(label=_("Key"), choices=[(each.value, key_words(each)) for each in _KEYS])
    csr = forms.CharField(
        label=_("Certificate signing request"),
        max_length=LONGEST_CSR,
        widget=CodeArea(),
        help_text=_("PEM. Such a certificate does not renew by itself: its key is not here."),
    )
    auto_renew = forms.BooleanField(label=_("Renew it by itself, in time"), required=False, initial=True)
    tags = TagsField(
        label=_("Tags"), required=False, max_length=4000, help_text=_("Words to find it by, with commas between them.")
    )
    description = forms.CharField(label=_("Note"), max_length=1000, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """What each way needs."""
        super().__init__(*args, **kwargs)
        brings_csr = self["way"].value() == Way.CSR
        self.fields["csr"].required = brings_csr
        self.fields["names"].required = self.fields["key_algorithm"].required = not brings_csr

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        if data.get("way") == Way.CSR and "csr" not in self.errors:
            self._read_csr(data)
        return data

    def _read_csr(self, data: dict[str, Any]) -> None:
        """Its facts take the place of the text, and its names that of none."""
        try:
            data["csr"] = facts = read_csr(data["csr"])
        except Invalid as error:
            add_domain_error(self, error)
            return
        data["names"] = data.get("names") or tuple(general_name_text(name) for name in facts.sans)


def order_of(data: Mapping[str, Any]) -> PublicOrder:
    """What a valid form asks for."""
    if data["way"] == Way.CSR:
        key: Managed | CsrFacts = cast(CsrFacts, data["csr"])
    else:
        key = Managed(KeyAlgorithm(data["key_algorithm"]), collect_later=True)
    return PublicOrder(
        account=Ref("pk", data["account"].pk),
        names=data["names"],
        challenge_type=data["challenge_type"],
        key=key,
        auto_renew=data["auto_renew"] and data["way"] == Way.MANAGED,
        tags=data["tags"],
        description=data["description"],
    )
