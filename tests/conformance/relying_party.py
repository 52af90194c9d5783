"""Somebody who has a certificate and a root, and nothing else: the rest is fetched from where the certificate says."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from django.http import HttpResponse
from django.test import Client

from tests.pki import urls_of


@dataclass
class RelyingParty:
    """Follows the addresses in certificates, through the real handlers."""

    client: Client = field(default_factory=Client)

    def fetch(self, url: str) -> bytes:
        response = self.client.get(urlsplit(url).path)
        assert response.status_code == 200, (url, response.status_code)
        return response.content

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.fetch(urls_of(certificate)["ca"]))

    def chain_of(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """Its issuer first, the root last."""
        chain = [self.issuer_of(certificate)]
        while chain[-1].subject != chain[-1].issuer:
            chain.append(self.issuer_of(chain[-1]))
        return chain

    def crl_of(self, certificate: x509.Certificate) -> x509.CertificateRevocationList:
        """The CRL on which this certificate would stand."""
        return x509.load_der_x509_crl(self.fetch(urls_of(certificate)["crl"]))

    def ask(self, certificate: x509.Certificate, request: bytes, *, by_get: bool = False) -> HttpResponse:
        """What the responder of this certificate answers to an OCSPRequest."""
        path = urlsplit(urls_of(certificate)["ocsp"]).path
        if by_get:
            return self.client.get(f"{path}/{quote(base64.b64encode(request).decode(), safe='')}")
        return self.client.post(path, request, content_type="application/ocsp-request")

    def status_of(self, certificate: x509.Certificate, issuer: x509.Certificate, **asked: object) -> ocsp.OCSPResponse:
        response = self.ask(certificate, ocsp_request(certificate, issuer, **asked))
        assert response.status_code == 200
        assert response["Content-Type"] == "application/ocsp-response"
        return ocsp.load_der_ocsp_response(response.content)


def ocsp_request(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    *,
    algorithm: hashes.HashAlgorithm | None = None,
    nonce: bytes | None = None,
) -> bytes:
    builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm or hashes.SHA1())  # noqa: S303
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def write_pem(path: Path, *objects: x509.Certificate | x509.CertificateRevocationList) -> Path:
    path.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in objects))
    return path
