from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CertificatesConfig(AppConfig):
    name = "certificates"
    verbose_name = _("Certificates")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit.events import EventName
        from audit.records import register
        from cas.guards import need_unique
        from certificates.models import (
            Certificate,
            ClientCertificateBinding,
            Crl,
            Decision,
            OcspResponder,
            Request,
            Revocation,
        )
        from certificates.placement_models import Placement
        from certificates.saved_models import SavedFilter

        need_unique("certificates_certificate", "ca_id", "serial")
        need_unique("certificates_crl", "scope_id", "number")
        need_unique("certificates_revocation", "ca_id", "serial")
        need_unique("certificates_decision", "request_id", "approver_id")

        register(
            Certificate,
            made_by=[EventName.CERTIFICATE_ISSUED, EventName.CERTIFICATE_IMPORTED],
            are_subjects=True,
        )
        register(
            Revocation,
            made_by=[EventName.CERTIFICATE_REVOKED, EventName.CERTIFICATE_HELD],
            told_by=[EventName.CA_REVOKED, EventName.CA_CERTIFICATE_REVOKED],
        )
        register(Request, made_by=[EventName.REQUEST_SUBMITTED], are_subjects=True)
        register(Decision, made_by=[EventName.REQUEST_APPROVED, EventName.REQUEST_REJECTED])
        register(ClientCertificateBinding, told_by=[EventName.CLIENT_CERTIFICATE_BOUND], are_subjects=True)
        register(Crl, made_by=[EventName.CRL_PUBLISHED], log="scope__organization_id")
        register(OcspResponder, made_by=[EventName.RESPONDER_ROTATED])
        register(Placement, told_by=[EventName.PLACEMENT_ADDED], are_subjects=True)
        register(SavedFilter, told_by=[EventName.SAVED_FILTER_CREATED], are_subjects=True)
