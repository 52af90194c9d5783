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
        from cas.models import BlockedKey, CaCertificate, CertificateAuthority, Role, Template

        need_unique("cas_issuedserial", "ca_id", "serial")
        need_unique("cas_role", "organization_id", "name")
        need_unique("cas_template", "organization_id", "code")
        need_unique("audit_auditevent", "log", "position")

        register(CertificateAuthority, made_by=[EventName.CA_CREATED], are_subjects=True)
        register(CaCertificate, told_by=[EventName.CA_CREATED])
        register(Role, made_by=[EventName.ROLE_CREATED], are_subjects=True)
        register(Template, made_by=[EventName.TEMPLATE_CREATED], are_subjects=True)
        register(BlockedKey, told_by=[EventName.CERTIFICATE_REVOKED])
