"""How machines are told to trust a root, and how to see that they do: commands to copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from shlex import quote

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cas.addresses import ca_path
from cas.models import CertificateAuthority


@dataclass(frozen=True, slots=True)
class Recipe:
    key: str
    title: str | Promise
    commands: str
    note: str | Promise = ""


def root_url(root: CertificateAuthority) -> str:
    """Of its certificate as PEM."""
    return f"{root.base_url.rstrip('/')}/{ca_path(root)}.pem"


def trust_recipes(root: CertificateAuthority) -> Iterator[Recipe]:
    """One for each kind of trust store."""
    url, file = root_url(root), f"{root.slug}.crt"
    yield Recipe(
        "debian",
        _("Debian, Ubuntu"),
        f"curl -fsSo {file} {url}\nsudo cp {file} /usr/local/share/ca-certificates/\nsudo update-ca-certificates",
    )
    yield Recipe("fedora", _("Fedora, RHEL"), f"curl -fsSo {file} {url}\nsudo trust anchor {file}")
    yield Recipe(
        "macos",
        _("macOS"),
        f"curl -fsSo {file} {url}\n"
        f"sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {file}",
    )
    yield Recipe(
        "windows",
        _("Windows, as administrator"),
        f"curl.exe -fsSo {file} {url}\ncertutil.exe -addstore Root {file}",
    )
    yield Recipe(
        "firefox",
        _("Firefox"),
        f'certutil -A -n "{_quoted(root.name)}" -t C,, -i {file} -d sql:$HOME/.mozilla/firefox/YOUR.profile',
        _(
            "On Windows and macOS it believes what the system believes. Elsewhere: Settings, Privacy and security, "
            "View certificates, Authorities, Import; or with certutil of the NSS tools:"
        ),
    )


def test_commands(root: CertificateAuthority, host: str, stem: str) -> str:
    """A server with the new certificate, and a client that believes the new root and nothing else."""
    return (
        f"unzip {stem}.zip && curl -fsSo root.pem {root_url(root)}\n"
        f"openssl s_server -accept 8443 -cert {stem}.pem -key {stem}.key -cert_chain chain.pem -www &\n"
        f"curl --cacert root.pem --connect-to {quote(f'{host}:8443:127.0.0.1:8443')} {quote(f'https://{host}:8443/')}"
    )


def _quoted(name: str) -> str:
    """Within the quotation marks of a shell."""
    return "".join(f"\\{sign}" if sign in '"\\$`' else sign for sign in name)
