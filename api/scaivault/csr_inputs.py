"""What ScaiVault's clients send about CSRs: bodies and addresses to orders."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from api.common.fields import Choice, Id, Text, Whole
from api.common.inputs import Input
from api.common.paging import PageQuery
from api.scaivault.fields import KEY_TYPES, LEAF_SIZES, Names, SubjectName, algorithm_of
from cas.core.csr import LONGEST, read_csr
from cas.core.general_names import NameKind
from cas.selectors import standing_template
from cas.standing import Slot
from certificates.csr_orders import CsrOrder, SignCsrOrder
from certificates.models import Request
from kernel.actor import Actor
from kernel.ref import Ref

_VERSION: Final = "v2"
_LONGEST_DAYS: Final = 36_600
_Status = Request.Status

# The four states of the document. One that nobody has decided or signed in time is refused by that; what was taken
# back is not there any more.
STATUSES: Final[Mapping[str, tuple[Request.Status, ...]]] = {
    "pending": (_Status.PENDING,),
    "approved": (_Status.APPROVED,),
    "rejected": (_Status.REJECTED, _Status.EXPIRED, _Status.FAILED),
    "signed": (_Status.FULFILLED,),
}
STATUS_WORDS: Final = {status: word for word, statuses in STATUSES.items() for status in statuses}


class CsrQuery(PageQuery):
    """Which CSRs are listed."""

    status = Choice(STATUSES, required=False)


class CsrIn(Input):
    """A CSR whose key is made here."""

    example = {"subject": "CN=db.example.com,O=Example Ltd", "san_dns": ["db.example.com"], "key_type": "ec"}

    subject = SubjectName()
    san_dns = Names(NameKind.DNS, required=False)
    san_ip = Names(NameKind.IP, required=False)
    san_email = Names(NameKind.EMAIL, required=False)
    key_type = Choice(KEY_TYPES, default="rsa")
    key_size = Whole(required=False, help_text="2048, 3072, 4096 for RSA; 256, 384, 521 for EC; the first if absent.")

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> CsrOrder:
        """Raises Invalid with every violation."""
        values = cls.values(data, version=_VERSION)
        kind = values["key_type"]
        return CsrOrder(
            organization=home,
            key=algorithm_of(kind, values.get("key_size", LEAF_SIZES[kind][0]), LEAF_SIZES, field="key_size"),
            subject=values["subject"],
            sans=tuple(name for field in ("san_dns", "san_ip", "san_email") for name in values.get(field, ())),
        )


class CsrImportIn(Input):
    """A CSR that was made elsewhere."""

    example = {"csr_pem": "-----BEGIN CERTIFICATE REQUEST-----\n…"}

    csr_pem = Text(max_length=LONGEST)

    @classmethod
    def read(cls, data: Any, *, home: Ref) -> CsrOrder:
        """Raises Invalid."""
        return CsrOrder(organization=home, key=read_csr(cls.values(data, version=_VERSION)["csr_pem"]))


class RejectIn(Input):
    """Why it is rejected."""

    example = {"reason": "This name belongs to another team."}

    reason = Text(max_length=1000)

    @classmethod
    def read(cls, data: Any) -> str:
        reason: str = cls.values(data, version=_VERSION)["reason"]
        return reason


class SignCsrIn(Input):
    """What an approved CSR is signed against."""

    example = {"ca_id": None, "validity_days": 90}

    ca_id = Id(help_text="A CA that is open for this: it has the template `scaivault.csr.…`.")
    validity_days = Whole(required=False, min_value=1, max_value=_LONGEST_DAYS, help_text="The template's if absent.")
    san = Names(required=False, help_text="Some of the names that were approved; all of them if absent.")

    @classmethod
    def read(cls, data: Any, csr: Ref, *, visible_to: Actor) -> SignCsrOrder:
        """Raises Invalid, NotFound (the CA), Denied (it signs no approved CSRs)."""
        values = cls.values(data, version=_VERSION)
        days = values.get("validity_days")
        return SignCsrOrder(
            request=csr,
            ca=values["ca_id"],
            template=standing_template(values["ca_id"], Slot.SCAIVAULT_CSR, visible_to=visible_to).code,
            sans=values.get("san"),
            validity=timedelta(days=days) if days is not None else None,
        )
