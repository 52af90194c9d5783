from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CertificatesConfig(AppConfig):
    name = "certificates"
    verbose_name = _("Certificates")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from cas.guards import need_unique

        need_unique("certificates_certificate", "ca_id", "serial")
        need_unique("certificates_crl", "scope_id", "number")
        need_unique("certificates_revocation", "ca_id", "serial")
