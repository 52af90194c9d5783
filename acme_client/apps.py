from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AcmeClientConfig(AppConfig):
    name = "acme_client"
    verbose_name = _("ACME client")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from acme_client.models import AcmeAccount, AcmeOrder, DnsProvider, PublicName
        from audit.events import EventName
        from audit.records import register

        register(AcmeAccount, made_by=[EventName.ACME_ACCOUNT_CREATED], are_subjects=True)
        register(AcmeOrder, made_by=[EventName.ACME_ORDER_CREATED], are_subjects=True)
        # These are deleted when nobody wants them any more.
        register(PublicName, told_by=[EventName.PUBLIC_NAME_CLAIMED, EventName.PUBLIC_NAME_GRANTED], are_subjects=True)
        register(DnsProvider, told_by=[EventName.DNS_PROVIDER_CREATED], are_subjects=True)
