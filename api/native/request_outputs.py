"""How the native API shows requests: what would be signed, what is against it, and who has said what."""

from __future__ import annotations

from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_csr
from django.utils.translation import gettext

from api.common.fields import Duration, Made, Subject
from api.common.outputs import Output, flag, identity, moment, one_of, text, texts, whole
from api.native.certificate_outputs import HandoverOut, TemplateRefOut
from api.native.outputs import STRING, PkiOut
from api.native.request_inputs import STATUS_WORDS
from audit.canonical import canonical_bytes
from cas.core.keys import KeyAlgorithm
from cas.core.usages import extended_key_usage_name, parse_oid
from certificates.models import Decision, Request

# Where they stand; PKIFactor's documents have no address for them, so what v1 files stands here, too.
REQUESTS: Final = "/api/v2/requests"
_UUID: Final = STRING | {"format": "uuid"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}


class RequestItemOut(Output):
    """A request as lists show it. It is made at the address of a certificate and stands under `/api/v2/requests`."""

    id = Made(lambda row: str(row.public_id), _UUID)
    organization_id = identity(source="organization")
    kind = one_of(Request.Kind.values)
    status = Made(lambda row: STATUS_WORDS[row.status], {"type": "string", "enum": list(STATUS_WORDS.values())})
    subject = Subject(source="subject_attributes", read_only=True)
    sans = Made(lambda row: [name for _kind, name in row.sans], {"type": "array", "items": STRING})
    key_algorithm = one_of(KeyAlgorithm)
    pki = PkiOut(source="ca", read_only=True, allow_null=True)
    template = TemplateRefOut(read_only=True, allow_null=True)
    requester = text(source="requester_label", help_text="The person, or the name of the key that asked.")
    approvals_needed = whole(help_text="The most that one of CA, role and template asks for.")
    approvals_given = whole()
    created_at = moment()
    expires_at = moment(help_text="When it is too late to approve it, or to fulfil it.")
    certificate_id = identity(source="certificate", allow_null=True)


class DemandOut(Output):
    """So many approvals, by people with this role; by any approver where it is empty."""

    approvals = Made(lambda demand: demand["approvals"], {"type": "integer"})
    role = Made(lambda demand: demand["role"], STRING)


class SanOut(Output):
    """A name and its kind."""

    type = Made(lambda pair: pair[0], STRING)
    value = Made(lambda pair: pair[1], STRING)


class ToBeSignedOut(Output):
    """What an approval is about."""

    canonical = Made(
        lambda row: canonical_bytes(row.facts).decode(),
        STRING | {"description": "All of it as canonical JSON (RFC 8785). Its SHA-256 is the request's `digest`."},
    )
    template_version = whole(source="profile.template_version", allow_null=True)
    role_version = whole(source="profile.role_version", allow_null=True)
    subject = text(help_text="As RFC 4514 text, most specific first.")
    sans = SanOut(many=True, read_only=True)
    key_algorithm = one_of(KeyAlgorithm)
    key_sha256 = Made(
        lambda row: row.facts["key"],
        _MAYBE_TEXT | {"description": "Of the public key (SubjectPublicKeyInfo); null where it is made afterwards."},
    )
    key_made_here = Made(lambda row: row.facts["made_here"], {"type": "boolean"})
    validity = Duration(read_only=True, allow_null=True, help_text="Null for a CSR: who signs it says how long.")
    key_usage = Made(lambda row: row.facts.get("key_usage", []), {"type": "array", "items": STRING})
    extended_key_usage = Made(lambda row: _purposes(row.facts), {"type": "array", "items": STRING})
    certificate_policies = Made(
        lambda row: row.facts.get("certificate_policies", []), {"type": "array", "items": STRING}
    )


class DecisionOut(Output):
    """What one person said."""

    approver = text(source="approver.email")
    by = text(source="approver_label", help_text="The person, or the name of the key that decided.")
    verdict = one_of(Decision.Verdict.values)
    reason = text()
    digest = text(help_text="Of what was seen.")
    decided_at = moment(source="created_at")


class RequestFactsOut(RequestItemOut):
    """A request with all that is known of it."""

    person = text(source="person.email", help_text="Who asked, or answers for the key that did. They cannot decide.")
    maker = text(
        source="maker.email",
        allow_null=True,
        help_text="Who made the key that asked, where that was somebody else. They cannot decide either.",
    )
    digest = text(help_text="SHA-256 of what would be signed, in hex. An approval names it.")
    to_be_signed = ToBeSignedOut(source="*", read_only=True)
    csr = Made(
        lambda row: None if row.csr is None else _pem(row.csr),
        _MAYBE_TEXT | {"description": "As it was sent, in PEM; null where the key is made here or kept."},
    )
    replaces_id = identity(source="replaces", allow_null=True)
    same_key = flag(help_text="A renewal with the key of its predecessor.")
    identifier = text(allow_null=True)
    usage = text()
    tags = texts()
    description = text()
    demands = DemandOut(many=True, read_only=True)
    decisions = DecisionOut(many=True, read_only=True)
    decided_at = moment(allow_null=True)
    closed_at = moment(allow_null=True)
    last_error = text(help_text="Why it has failed, or why the last try to fulfil it did.")


class FindingOut(Output):
    """Something that stands against issuing it now."""

    field = Made(lambda finding: finding.field, STRING | {"description": "Empty where it is about no field."})
    code = Made(lambda finding: finding.code, STRING)
    detail = Made(lambda finding: finding.message.render(gettext), STRING)


class FindingsOut(Output):
    """The policy of now about a request that is open."""

    findings = FindingOut(source="*", many=True, read_only=True)


class RequestDetailOut(RequestFactsOut, FindingsOut):
    """A request, and what the policy of now has against it: nothing, where `findings` is empty."""


class FulfilledOut(RequestDetailOut, HandoverOut):
    """A request that was fulfilled now, or has failed; and what is handed out with it."""


class RequestCountsOut(Output):
    """Of what is not closed."""

    pending_approval = whole(source="pending", help_text="They wait for approvers.")
    approved = whole(help_text="They wait to be fulfilled.")
    mine = whole(source="own", help_text="Those that you have asked for, in either state.")
    inbox = whole(help_text="Those that wait for your decision.")


def _purposes(facts: dict[str, Any]) -> list[str]:
    oids = ((dotted, parse_oid(dotted)) for dotted in facts.get("extended_key_usage", ()))
    return [extended_key_usage_name(oid) if oid else dotted for dotted, oid in oids]


def _pem(csr: bytes | memoryview) -> str:
    return load_der_x509_csr(bytes(csr)).public_bytes(Encoding.PEM).decode()
