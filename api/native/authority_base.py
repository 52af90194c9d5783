"""What the views of CAs have in common: how a CA is found, and how it is shown."""

from __future__ import annotations

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.encoding import escape_uri_path
from rest_framework.response import Response

from api.native.authority_outputs import AuthorityDetailOut, OwnCertificateOut
from api.native.dialect import NativeViewSet
from cas import selectors
from cas.models import CaCertificate, CertificateAuthority
from certificates.selectors import with_crls
from kernel.ref import Ref


class AuthorityViewSet(NativeViewSet):
    """A view of CAs."""

    field_names = {"permitted": "permitted_names", "excluded": "excluded_names", "private_key": "key_file"}

    def ca(self, ref: Ref) -> CertificateAuthority:
        """Raises NotFound."""
        return selectors.get_ca(ref, visible_to=self.actor)

    def rows(self) -> QuerySet[CertificateAuthority]:
        """What the actor sees, with all that is shown of it."""
        rows = selectors.authorities(visible_to=self.actor).select_related("predecessor")
        return with_crls(rows.prefetch_related("certificates"), at=timezone.now())

    def shown(self, ref: Ref) -> Response:
        """The CA as it is now."""
        return Response(self._detail(ref))

    def founded(self, ca: CertificateAuthority) -> Response:
        """201: a new CA, and its address."""
        body = self._detail(Ref("pk", ca.pk))
        return Response(body, status=201, headers={"Location": f"{self._collection()}/{body['id']}"})

    def certified(self, row: CaCertificate) -> Response:
        """201: another certificate of a CA, and its address."""
        body = self.show(OwnCertificateOut, row)
        address = f"{self._collection()}/{row.ca.public_id}/certificates/{row.fingerprint}"
        return Response(body, status=201, headers={"Location": address})

    def _detail(self, ref: Ref) -> dict[str, object]:
        ca = self.ca(ref)
        shown: dict[str, object] = self.show(AuthorityDetailOut, self.rows().get(pk=ca.pk))
        return shown

    def _collection(self) -> str:
        """`/api/v2/cas`, wherever below it this request went."""
        before, name, _after = self.request.path.partition("/cas")
        return escape_uri_path(before + name)
