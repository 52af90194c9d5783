from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasConfig(AppConfig):
    name = "cas"
    verbose_name = _("Authorities")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit.events import EventName
        from audit.records import register
        from cas.guards import need_unique
        from cas.models import BlockedKey, CaCertificate, CertificateAuthority, Role, Template, TrustAnchor

        need_unique("cas_issuedserial", "ca_id", "serial")
        need_unique("cas_role", "organization_id", "name")
        need_unique("cas_template", "organization_id", "code")
        need_unique("audit_auditevent", "log", "position")

        founding = [EventName.CA_CREATED, EventName.CA_REQUESTED, EventName.CA_REQUEST_CERTIFIED, EventName.CA_ADDED]
        # These may be about a CA that was known before, and bring those above it with them.
        bringing = [EventName.CA_IMPORTED, EventName.CA_COMPLETED, EventName.CA_CERTIFICATE_ADDED]
        again = [EventName.CA_CERTIFICATE_RENEWED, EventName.CA_CERTIFICATE_CROSSED]
        register(CertificateAuthority, made_by=founding, told_by=bringing)
        register(CaCertificate, told_by=[*founding, *bringing, *again])
        register(Role, made_by=[EventName.ROLE_CREATED], are_subjects=True)
        register(Template, made_by=[EventName.TEMPLATE_CREATED], are_subjects=True)
        register(TrustAnchor, made_by=[EventName.TRUST_ANCHOR_ADDED], are_subjects=True)
        register(BlockedKey, told_by=[EventName.CERTIFICATE_REVOKED])
