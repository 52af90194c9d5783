"""What the views of CAs and certificates have in common: how a CA is found and shown, and what is said of faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from django.db.models import QuerySet

from api.common.problems import Family, Problem
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.pki_outputs import ShownAuthority, authorities_shown
from cas import selectors
from cas.models import CertificateAuthority
from cas.orders import AuthorityOrder
from cas.services.exporting import export_ca_key
from certificates.services.authorities import establish_authority
from kernel.errors import Denied
from kernel.ref import Ref
from kernel.secret import Secret
from kernel.text import Text, _

# What its document calls a bad request, and a rule of ours something else.
_BAD_REQUESTS: Final = frozenset({"ca-exists", "ca-known", "ca-issues-no-leaves"})
# Its own sentences, which scripts look for.
_SENTENCES: Final[Mapping[str, str]] = {
    "certificate-not-found": _("Certificate with ID %(id)s not found"),
    "ca-not-found": _("Certificate Authority with ID %(id)s not found"),
    "no-private-key": _("Certificate with ID %(id)s does not have a private key"),
    "already-revoked": _("Certificate is already revoked"),
    "ca-has-children": _("CA %(id)s has %(count)s child CA(s) and cannot be deleted"),
    "ca-issues-no-leaves": _("CA %(id)s does not allow leaf certificate issuance"),
}
_NO_SUCH_NAME: Final = _("CA '%(id)s' not found")
# Its words for what programs read.
_CODES: Final[Mapping[str, str]] = {
    "csr-required": "csr-required-for-csr-origin-cert",
    "csr-not-allowed": "csr-not-allowed-for-server-key-cert",
}


class PkiViewSet(FastPkiViewSet):
    """A view of CAs or certificates."""

    # What the request is about: the row of its address, else the CA that it names.
    about: Ref | None = None

    def authorities(self) -> QuerySet[CertificateAuthority]:
        """What was deleted here is retired, and shown no more."""
        return selectors.present_authorities(visible_to=self.actor).prefetch_related("certificates")

    def authority(self, ref: Ref) -> CertificateAuthority:
        """Raises NotFound, Conflict."""
        self.about = ref
        row = self.authorities().filter(pk=selectors.get_ca(ref, visible_to=self.actor).pk).first()
        if row is None:
            raise selectors.ca_not_found()
        return row

    def founded(self, order: AuthorityOrder, *, with_key: bool = True) -> ShownAuthority:
        """A new CA, with its key for those who may have that. Raises what `establish_authority` does."""
        ca = establish_authority(actor=self.actor, order=order)
        return self.shown(ca, key=self._own_key(ca) if with_key else None)

    def shown(self, ca: CertificateAuthority, *, key: Secret | None = None) -> ShownAuthority:
        (found,) = authorities_shown([self.authorities().get(pk=ca.pk)])
        return replace(found, private_key=key)

    def explain(self, problem: Problem) -> Problem:
        problem = super().explain(problem)
        about = self.kwargs.get("ref") or self.about
        sentence = _SENTENCES.get(problem.code)
        if problem.code == "ca-not-found" and about is not None and about.by == "name":
            sentence = _NO_SUCH_NAME
        if sentence is not None and about is not None:
            facts = {**problem.detail.facts, "id": about.value}
            problem = replace(problem, detail=Text(sentence, facts))
        family = Family.INVALID if problem.code in _BAD_REQUESTS else problem.family
        return replace(problem, family=family, code=_CODES.get(problem.code, problem.code))

    def _own_key(self, ca: CertificateAuthority) -> Secret | None:
        """Who may create a CA may not always have its key."""
        try:
            return export_ca_key(actor=self.actor, ca=ca)
        except Denied:
            return None
