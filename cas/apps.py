from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CasConfig(AppConfig):
    name = "cas"
    verbose_name = _("Authorities")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cas.guards import need_unique

        need_unique("cas_issuedserial", "ca_id", "serial")
        need_unique("cas_role", "organization_id", "name")
        need_unique("cas_template", "organization_id", "code")
        need_unique("audit_auditevent", "log", "position")
