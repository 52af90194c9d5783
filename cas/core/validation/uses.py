"""Whether a certificate is good for what it is wanted for: a purpose, and a name that its holder must have."""

from __future__ import annotations

from cryptography.x509 import DNSName, GeneralName, IPAddress, KeyUsage, ObjectIdentifier, RFC822Name
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cas.core.general_names import general_name_text
from cas.core.usages import CONSISTENT_USAGES, extended_key_usage_name, key_usage_names
from cas.core.validation.facts import Facts
from cas.core.validation.findings import Findings
from cas.core.validation.rules import allows_purpose
from cas.core.validation.verdict import Aspect
from kernel.text import _

_USE = Aspect.USE


def judge_purpose(found: Findings, purpose: ObjectIdentifier) -> None:
    """Extended key usage along the path, and the key usage that goes with it (RFC 5280 4.2.1.12)."""
    if purpose == ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE:
        return
    target, shown = found.path[0], extended_key_usage_name(purpose)
    refusing = allows_purpose(found.path, purpose)
    if refusing is not None:
        text = _("%(issuer)s does not allow the purpose %(purpose)s")
        found.error(_USE, found.path.index(refusing), "wrong-purpose", text, issuer=refusing.label, purpose=shown)
    usage, wanted = target.extension(KeyUsage), CONSISTENT_USAGES.get(purpose)
    if usage is not None and wanted is not None and wanted.isdisjoint(key_usage_names(usage)):
        text = _("the key usage of %(name)s does not go with the purpose %(purpose)s")
        found.error(_USE, 0, "wrong-key-usage", text, purpose=shown)
    if target.is_authority:
        found.warn(_USE, 0, "is-an-authority", _("%(name)s is a CA, and not made for an end entity"))
    if purpose == ExtendedKeyUsageOID.SERVER_AUTH and not target.sans:
        found.warn(_USE, 0, "no-names", _("%(name)s has no subject alternative name, so no client knows it by name"))


def judge_peer_name(found: Findings, wanted: GeneralName) -> None:
    """A host name by RFC 9525 (in the SAN, one label for one wildcard), an address, or an e-mail address."""
    if not any(_is_named(name, wanted) for name in _names(found.path[0])):
        text = _("%(name)s is not for %(peer)s")
        found.error(_USE, 0, "name-mismatch", text, peer=repr(general_name_text(wanted))[:200])


def _names(target: Facts) -> list[object]:
    """E-mail addresses also from the subject (RFC 8550 section 3); a common name is never read as a host name."""
    emails = target.certificate.subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
    written = [str(each.value) for each in emails]
    return [*target.sans, *(RFC822Name(text) for text in written if text.isascii())]


def _is_named(name: object, wanted: GeneralName) -> bool:
    match name, wanted:
        case DNSName(), DNSName():
            return _is_host(_host(name.value), _host(wanted.value))
        case IPAddress(), IPAddress():
            return name.value == wanted.value
        case RFC822Name(), RFC822Name():
            return _is_mailbox(name.value, wanted.value)
    return False


def _host(text: str) -> str:
    return text.lower().removesuffix(".")


def _is_host(pattern: str, host: str) -> bool:
    """RFC 9525 6.3: a wildcard is the whole of the first label, and stands for exactly one."""
    if not pattern.startswith("*."):
        return "*" not in pattern and pattern == host
    first, _dot, rest = host.partition(".")
    return bool(first) and "*" not in pattern[2:] and rest == pattern[2:]


def _is_mailbox(address: str, wanted: str) -> bool:
    local, _at, host = address.rpartition("@")
    wanted_local, _at, wanted_host = wanted.rpartition("@")
    return local == wanted_local and host.lower() == wanted_host.lower()
