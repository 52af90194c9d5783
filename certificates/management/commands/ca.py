"""CAs from elsewhere, and CAs with several certificates: one verb for each thing that can be done with them."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import CommandParser

from accounts.console import OrganizationCommand
from cas.core.keys import KeyAlgorithm
from certificates.console import VERBS, Desk


class Command(OrganizationCommand):
    help = "Request, complete, cancel, sign, import, add, cross, renew, prefer, revoke and succeed CAs."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
        _request(verbs.add_parser("request", help="a key here, and a CSR for the CA that is to certify it"))
        _csr(verbs.add_parser("csr", help="the CSR again, or one for a certificate that follows"))
        _complete(verbs.add_parser("complete", help="the certificate has come"))
        _named(verbs.add_parser("cancel", help="wait no more: destroy the key of a CA that has no certificate yet"))
        _sign(verbs.add_parser("sign", help="certify the CA of somebody else by its CSR"))
        _import(verbs.add_parser("import", help="move a CA in, with its key"))
        _add(verbs.add_parser("add", help="a CA from outside, by its certificate"))
        _cross(verbs.add_parser("cross", help="certify one CA by another"))
        _renew(verbs.add_parser("renew", help="a new certificate for the same key"))
        _named(verbs.add_parser("prefer", help="hand out the chain of this certificate"), fingerprint=True)
        _revoke(verbs.add_parser("revoke", help="revoke one certificate of a CA that has another"))
        _succeed(verbs.add_parser("succeed", help="a CA that goes on where this one ends"))
        _move(verbs.add_parser("move-templates", help="issue under the successor from now on"))
        _named(verbs.add_parser("abandon", help="revoke what a token was to sign and was never stored"))
        _named(verbs.add_parser("chains", help="all chains of a CA, the preferred one first"))
        verbs.add_parser("list", help="all CAs")

    def handle(self, *args: Any, **options: Any) -> None:
        VERBS[options["verb"]](Desk(self.here, self.organization, self.stdout.write), options)


def _named(parser: argparse.ArgumentParser, *, fingerprint: bool = False) -> None:
    parser.add_argument("name", help="the CA")
    if fingerprint:
        parser.add_argument("fingerprint", help="SHA-256 of the certificate, with or without colons")


def _passphrase(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("--passphrase-file", metavar="FILE", help=what)


def _key(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--key-algorithm", choices=list(KeyAlgorithm))
    parser.add_argument("--key-backend", choices=["sealed", "pkcs11"])


def _limits(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--validity", metavar="DURATION")
    parser.add_argument("--path-length", type=int)
    parser.add_argument("--permit", action="append", default=[], metavar="NAME", help="such as dns:acme.com")
    parser.add_argument("--exclude", action="append", default=[], metavar="NAME")


def _request(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--subject", help="RFC 4514; CN=<name> where none is given")
    _key(parser)
    parser.add_argument("--token-key", metavar="LABEL", help="a key that is on the token already")
    _passphrase(parser, "lock its key with the passphrase in this file")
    parser.add_argument("--base-url")
    parser.add_argument("--out", required=True, metavar="FILE", help="where the CSR (PEM) goes")


def _csr(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    _passphrase(parser, "where its key is locked")
    parser.add_argument("--out", required=True, metavar="FILE")


def _complete(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("file", help="the certificate and those above it: PEM, DER or PKCS#7")
    _passphrase(parser, "where its key is locked, to publish its first CRL")


def _sign(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("file", help="the CSR: PEM or DER")
    parser.add_argument("--parent", required=True, metavar="NAME")
    _limits(parser)
    _passphrase(parser, "where the parent's key is locked")
    parser.add_argument("--out", metavar="FILE", help="where the chain (PEM) goes")


def _import(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("file", help="the key: PEM, DER or PKCS#12")
    parser.add_argument("--certificates", metavar="FILE", help="what is not in the key file: PEM, DER or PKCS#7")
    parser.add_argument("--password-file", metavar="FILE", help="of the key file")
    _passphrase(parser, "lock the key here with the passphrase in this file")
    parser.add_argument("--last-crl", metavar="FILE", help="what it has revoked: PEM or DER")
    parser.add_argument("--last-crl-number", type=int)
    parser.add_argument("--public-path", action="append", default=[], metavar="PATH", help="such as /crl/old.crl")
    parser.add_argument("--base-url")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="its certificate, then those above it: PEM, DER or PKCS#7")
    parser.add_argument("--name", default="")


def _cross(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--issuer", required=True, metavar="NAME")
    _limits(parser)
    _passphrase(parser, "where the issuer's key is locked")


def _renew(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--validity", metavar="DURATION")
    parser.add_argument("--certificate", metavar="FILE", help="one that a CA outside has made")
    _passphrase(parser, "where the issuer's key is locked, its own for a root")


def _revoke(parser: argparse.ArgumentParser) -> None:
    _named(parser, fingerprint=True)
    parser.add_argument("--reason", default="unspecified")
    parser.add_argument("--comment", default="")


def _succeed(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("successor", help="the name of the new CA")
    parser.add_argument("--subject", help="RFC 4514; the same where none is given")
    _key(parser)
    parser.add_argument("--validity", metavar="DURATION")
    _passphrase(parser, "lock its key with the passphrase in this file")
    parser.add_argument("--parent-passphrase-file", metavar="FILE")


def _move(parser: argparse.ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("successor")
