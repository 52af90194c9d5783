"""Asking those who tell of revocations, at the addresses that certificates name: few of them, and not for long."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from itertools import pairwise
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import AuthorityInformationAccessOID

from accounts.outbound import Network, OutboundError, ask
from cas.core.reading import UNREADABLE, AnyExtension, extension_of
from cas.core.validation.evidence import LONGEST, Evidence, read_crls
from cas.core.validation.ocsp_answers import read_response, request_for
from cas.core.validation.verdict import Aspect, Finding, Verdict
from kernel.errors import Invalid
from kernel.text import Text, _

_MOST_QUESTIONS: Final = 8
_MOST_ADDRESSES: Final = 2
_PATIENCE_SECONDS: Final = 4.0
_ALL_PATIENCE_SECONDS: Final = 10.0
_OCSP: Final = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}


@dataclass(slots=True)
class Fetcher:
    """Asks nobody the same twice; at most eight, for ten seconds in all. Who does not answer is told of in `failures`.

    Only for chains that end in an anchor: an address that a stranger wrote into a certificate is not asked.
    """

    private_ranges: Collection[Network]
    organization_id: int
    failures: list[Finding] = field(default_factory=list)
    _asked: set[tuple[str, object]] = field(default_factory=set)
    _until: float = field(default_factory=lambda: time.monotonic() + _ALL_PATIENCE_SECONDS)

    def more(self, verdict: Verdict, evidence: Evidence) -> Evidence:
        """The evidence with what is said of those of the chain whose standing is not known; as it was where nobody is
        left to be asked.
        """
        if verdict.trusted_anchor is None:
            return evidence
        unknown = {each.position for each in (*verdict.errors, *verdict.warnings) if each.code == "revocation-unknown"}
        for position, (certificate, issuer) in enumerate(pairwise(verdict.chain)):
            if position in unknown:
                evidence = self._about(position, certificate, issuer, evidence)
        return evidence

    def _about(
        self, position: int, certificate: x509.Certificate, issuer: x509.Certificate, evidence: Evidence
    ) -> Evidence:
        """OCSP first: its answers are short, and newer."""
        note = partial(self._note, position, certificate)
        for url in _responders(certificate):
            body = request_for(certificate, issuer)
            response = read_response(self._ask(url, note, method="POST", headers=_OCSP, body=body))
            if response is not None:
                return replace(evidence, responses=(*evidence.responses, response))
        for url in _lists(certificate):
            lists = _read_lists(self._ask(url, note, largest=LONGEST))
            if lists:
                return replace(evidence, crls=(*evidence.crls, *lists))
        return evidence

    def _ask(self, url: str, note: Callable[[str, str], None], **request: Any) -> bytes:
        """What is said there; nothing where it was asked before, or no answer can be used."""
        question = (url, request.get("body"))
        patience = min(self._until - time.monotonic(), _PATIENCE_SECONDS)
        if question in self._asked or len(self._asked) >= _MOST_QUESTIONS or patience <= 0:
            return b""
        self._asked.add(question)
        request |= {"private_ranges": self.private_ranges, "organization_id": self.organization_id}
        try:
            answer = ask(url, patience=patience, plain=True, **request)
        except OutboundError as error:
            note(url, str(error))
            return b""
        if answer.status != HTTPStatus.OK:
            note(url, f"{answer.status}")
            return b""
        return answer.content

    def _note(self, position: int, certificate: x509.Certificate, url: str, reason: str) -> None:
        text = Text(_("%(url)s does not tell of revocations: %(reason)s"), {"url": url[:200], "reason": reason})
        fingerprint = certificate.fingerprint(SHA256()).hex()
        self.failures.append(Finding(Aspect.REVOCATION, "fetch-failed", text, position, fingerprint))


def _read_lists(content: bytes) -> tuple[x509.CertificateRevocationList, ...]:
    try:
        return read_crls(content, field="crl") if content else ()
    except Invalid:
        return ()


def _responders(certificate: x509.Certificate) -> list[str]:
    """RFC 5280 4.2.2.1."""
    access = _extension(certificate, x509.AuthorityInformationAccess)
    places = [each.access_location for each in access or () if each.access_method == AuthorityInformationAccessOID.OCSP]
    return _addresses(places)


def _lists(certificate: x509.Certificate) -> list[str]:
    """RFC 5280 4.2.1.13."""
    points = _extension(certificate, x509.CRLDistributionPoints)
    return _addresses(name for point in points or () for name in point.full_name or ())


def _addresses(names: Iterable[x509.GeneralName]) -> list[str]:
    urls = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in urls if url.lower().startswith(("http://", "https://"))][:_MOST_ADDRESSES]


def _extension(certificate: x509.Certificate, kind: type[AnyExtension]) -> AnyExtension | None:
    try:
        return extension_of(certificate.extensions, kind)
    except UNREADABLE:
        return None
