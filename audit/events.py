"""Everything that can happen, by name."""

from __future__ import annotations

from enum import StrEnum


class EventName(StrEnum):
    """The `event` of an audit event. A name, once used, keeps its meaning: old events are read by it."""

    ORGANIZATION_CREATED = "organization.created"
    ORGANIZATION_UPDATED = "organization.updated"
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    USER_DISABLED = "user.disabled"
    USER_ENABLED = "user.enabled"
    MEMBERSHIP_CREATED = "membership.created"
    MEMBERSHIP_CHANGED = "membership.changed"
    MEMBERSHIP_REMOVED = "membership.removed"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    SESSION_STARTED = "session.started"
    SESSION_ENDED = "session.ended"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105

    CA_CREATED = "ca.created"
    CA_UPDATED = "ca.updated"
    CA_DISABLED = "ca.disabled"
    CA_ENABLED = "ca.enabled"
    CA_RETIRED = "ca.retired"
    CA_REVOKED = "ca.revoked"
    CA_REQUESTED = "ca.requested"
    CA_CSR_SIGNED = "ca.csr_signed"
    CA_COMPLETED = "ca.completed"
    CA_CANCELLED = "ca.cancelled"
    CA_REQUEST_CERTIFIED = "ca.request_certified"
    CA_IMPORTED = "ca.imported"
    CA_ADDED = "ca.added"
    CA_TEMPLATES_MOVED = "ca.templates_moved"
    CA_CERTIFICATE_ADDED = "ca_certificate.added"
    CA_CERTIFICATE_RENEWED = "ca_certificate.renewed"
    CA_CERTIFICATE_CROSSED = "ca_certificate.crossed"
    CA_CERTIFICATE_PREFERRED = "ca_certificate.preferred"
    CA_CERTIFICATE_REVOKED = "ca_certificate.revoked"
    ROLE_CREATED = "role.created"
    ROLE_UPDATED = "role.updated"
    ROLE_RETIRED = "role.retired"
    TEMPLATE_CREATED = "template.created"
    TEMPLATE_UPDATED = "template.updated"
    TEMPLATE_RETIRED = "template.retired"

    CERTIFICATE_ISSUED = "certificate.issued"
    CERTIFICATE_UPDATED = "certificate.updated"
    CERTIFICATE_REVOKED = "certificate.revoked"
    CERTIFICATE_HELD = "certificate.held"
    CERTIFICATE_RELEASED = "certificate.released"
    CERTIFICATE_DOWNLOADED = "certificate.downloaded"
    CERTIFICATE_KEY_COLLECTED = "certificate.key_collected"
    REQUEST_SUBMITTED = "request.submitted"
    REQUEST_APPROVED = "request.approved"
    REQUEST_REJECTED = "request.rejected"
    REQUEST_CANCELLED = "request.cancelled"
    REQUEST_EXPIRED = "request.expired"
    REQUEST_FULFILLED = "request.fulfilled"
    REQUEST_FAILED = "request.failed"
    INTENTS_ABANDONED = "intents.abandoned"
    CRL_PUBLISHED = "crl.published"
    RESPONDER_ROTATED = "responder.rotated"

    SESSION_REFUSED = "session.refused"
    CREDENTIAL_REFUSED = "credential.refused"
    PERMISSION_REFUSED = "permission.refused"
    POLICY_REFUSED = "policy.refused"
    PASSPHRASE_REFUSED = "passphrase.refused"  # noqa: S105

    ANSWER_REPEATED = "answer.repeated"

    AUDIT_KEY_CREATED = "audit.key_created"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_LOSS_ACCEPTED = "audit.loss_accepted"

    MASTER_KEY_ROTATED = "master_key.rotated"
    ARCHIVE_MADE = "archive.made"
    ARCHIVE_RESTORED = "archive.restored"
