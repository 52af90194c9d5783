from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AcmeClientConfig(AppConfig):
    name = "acme_client"
    verbose_name = _("ACME client")
    default_auto_field = "django.db.models.BigAutoField"
