"""What a role and a template together may promise: checked when it is built, frozen afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from cas.core import usages
from cas.core.attributes import BY_NAME
from cas.core.documents import Section
from cas.core.keys import KeyAlgorithm
from cas.core.name_rules import NameRules
from kernel.errors import FieldError, Invalid
from kernel.text import _

_DAY: Final = 86_400
LONGEST_LIFETIME: Final = 100 * 366 * _DAY
_LONGEST_BACKDATE: Final = 3_600
_USUAL_MAX_TTL: Final = 397 * _DAY
_USUAL_VALIDITY: Final = 90 * _DAY
_ANY_POLICY: Final = ObjectIdentifier("2.5.29.32.0")

COMMON_NAME_RULES: Final = ("optional", "required", "forbidden")
LINT_MODES: Final = ("block", "off")

# A leaf with OCSPSigning could answer for its issuer (RFC 6960 4.2.2.2), one with "any" could do everything.
_FORBIDDEN_PURPOSES: Final = frozenset({ExtendedKeyUsageOID.OCSP_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """The guard rails: whatever is asked for, nothing beyond this is issued."""

    names: NameRules
    max_ttl: timedelta
    key_algorithms: tuple[KeyAlgorithm, ...]
    common_name: str
    subject_attributes: tuple[str, ...]
    store_private_keys: bool

    def allows_algorithm(self, algorithm: KeyAlgorithm) -> bool:
        return not self.key_algorithms or algorithm in self.key_algorithms

    def allows_attribute(self, name: str) -> bool:
        return not self.subject_attributes or name in self.subject_attributes


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The recipe: what is issued where the order does not say otherwise.

    `key_algorithm` is what managed keys are made of, and what a CSR must bring unless `any_key_algorithm`.
    `backdate` moves notBefore into the past for relying parties whose clocks are slow.
    """

    key_algorithm: KeyAlgorithm
    any_key_algorithm: bool
    validity: timedelta
    backdate: timedelta
    key_usage: tuple[str, ...]
    extended_key_usage: tuple[ObjectIdentifier, ...]
    certificate_policies: tuple[ObjectIdentifier, ...]
    lint: str
    add_common_name_to_sans: bool
    include_cdp: bool
    include_aia: bool
    renew_same_key: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A role and a template that agree with each other."""

    role: Role
    template: Template

    @classmethod
    def from_document(cls, document: Mapping[str, object]) -> Profile:
        """A profile from `{"role": {…}, "template": {…}}`; absent fields take their defaults.

        Raises Invalid with everything that is wrong, on fields such as `role.allowed_domains`.
        """
        errors: list[FieldError] = []
        sections = Section("profile", document, errors)
        role = _read_role(sections.section("role"))
        template = _read_template(sections.section("template"), role)
        sections.finish()
        if errors:
            raise Invalid(errors=errors)
        return cls(role=role, template=template)

    def to_document(self) -> dict[str, dict[str, object]]:
        """The whole document, defaults written out; `from_document` makes an equal profile of it."""
        role, template = self.role, self.template
        return {
            "role": role.names.to_document()
            | {
                "max_ttl": int(role.max_ttl.total_seconds()),
                "key_algorithms": [each.value for each in role.key_algorithms],
                "common_name": role.common_name,
                "subject_attributes": list(role.subject_attributes),
                "store_private_keys": role.store_private_keys,
            },
            "template": {
                "key_algorithm": template.key_algorithm.value,
                "any_key_algorithm": template.any_key_algorithm,
                "validity": int(template.validity.total_seconds()),
                "backdate": int(template.backdate.total_seconds()),
                "key_usage": list(template.key_usage),
                "extended_key_usage": [usages.extended_key_usage_name(oid) for oid in template.extended_key_usage],
                "certificate_policies": [oid.dotted_string for oid in template.certificate_policies],
                "lint": template.lint,
                "add_common_name_to_sans": template.add_common_name_to_sans,
                "include_cdp": template.include_cdp,
                "include_aia": template.include_aia,
                "renew_same_key": template.renew_same_key,
            },
        }


def errors_of_role(document: Mapping[str, object]) -> list[FieldError]:
    """What is wrong with the role's part of a document, while there is no template under it yet."""
    errors: list[FieldError] = []
    _read_role(Section("role", document, errors))
    return errors


def _read_role(section: Section) -> Role:
    role = Role(
        names=NameRules.read(section),
        max_ttl=timedelta(seconds=section.number("max_ttl", _USUAL_MAX_TTL, least=1, most=LONGEST_LIFETIME)),
        key_algorithms=_algorithms(section),
        common_name=section.choice("common_name", "optional", COMMON_NAME_RULES),
        subject_attributes=section.texts("subject_attributes"),
        store_private_keys=section.flag("store_private_keys", False),
    )
    for name in role.subject_attributes:
        if name not in BY_NAME:
            section.error("subject_attributes", "unknown-attribute", _("%(name)s is not an attribute"), name=name[:80])
    if role.common_name == "required" and not role.allows_attribute("common_name"):
        section.error("common_name", "contradiction", _("is required, but not among the subject attributes"))
    section.finish()
    return role


def _algorithms(section: Section) -> tuple[KeyAlgorithm, ...]:
    names = section.texts("key_algorithms")
    for name in names:
        if name not in KeyAlgorithm.__members__:
            section.error("key_algorithms", "unknown-value", _("%(name)s is not a key algorithm"), name=name[:80])
    return tuple(KeyAlgorithm(name) for name in names if name in KeyAlgorithm.__members__)


def _read_template(section: Section, role: Role) -> Template:
    algorithm = section.choice("key_algorithm", KeyAlgorithm.ECDSA_P256, tuple(KeyAlgorithm))
    longest = int(role.max_ttl.total_seconds())
    template = Template(
        key_algorithm=KeyAlgorithm(algorithm),
        any_key_algorithm=section.flag("any_key_algorithm", False),
        validity=timedelta(
            seconds=section.number("validity", min(_USUAL_VALIDITY, longest), least=1, most=LONGEST_LIFETIME)
        ),
        backdate=timedelta(seconds=section.number("backdate", 0, least=0, most=_LONGEST_BACKDATE)),
        key_usage=_key_usage(section),
        extended_key_usage=_purposes(section),
        certificate_policies=_policies(section),
        lint=section.choice("lint", "block", LINT_MODES),
        add_common_name_to_sans=section.flag("add_common_name_to_sans", True),
        include_cdp=section.flag("include_cdp", True),
        include_aia=section.flag("include_aia", True),
        renew_same_key=section.flag("renew_same_key", False),
    )
    section.finish()
    _check_against_role(section, template, role)
    _check_usages(section, template, role)
    return template


def _key_usage(section: Section) -> tuple[str, ...]:
    found = []
    for name in section.texts("key_usage", default=("digital_signature",)):
        usage = usages.parse_key_usage(name)
        if usage is None:
            section.error("key_usage", "unknown-value", _("%(name)s is not a key usage"), name=name[:80])
        elif usage in usages.AUTHORITY_USAGES:
            section.error("key_usage", "authority-usage", _("%(name)s is for certificate authorities"), name=usage)
        else:
            found.append(usage)
    return tuple(sorted(set(found), key=usages.KEY_USAGES.index))


def _purposes(section: Section) -> tuple[ObjectIdentifier, ...]:
    found = []
    for name in section.texts("extended_key_usage"):
        purpose = usages.parse_extended_key_usage(name)
        if purpose is None:
            section.error("extended_key_usage", "unknown-value", _("%(name)s is not a purpose"), name=name[:80])
        elif purpose in _FORBIDDEN_PURPOSES:
            section.error("extended_key_usage", "forbidden-purpose", _("%(name)s is never given to a leaf"), name=name)
        else:
            found.append(purpose)
    # RFC 3161 section 2.3: timeStamping stands alone.
    if ExtendedKeyUsageOID.TIME_STAMPING in found and len(found) > 1:
        section.error("extended_key_usage", "contradiction", _("time_stamping must be the only purpose"))
    return tuple(dict.fromkeys(found))


def _policies(section: Section) -> tuple[ObjectIdentifier, ...]:
    found = []
    for text in section.texts("certificate_policies"):
        policy = usages.parse_oid(text)
        if policy is None or policy == _ANY_POLICY:
            section.error("certificate_policies", "bad-oid", _("%(oid)s is not a policy identifier"), oid=text[:80])
        else:
            found.append(policy)
    return tuple(found)


def _check_against_role(section: Section, template: Template, role: Role) -> None:
    if template.validity > role.max_ttl:
        section.error("validity", "too-long", _("is longer than the role allows"))
    if not role.allows_algorithm(template.key_algorithm):
        section.error("key_algorithm", "contradiction", _("is not among the role's key algorithms"))


def _check_usages(section: Section, template: Template, role: Role) -> None:
    """Every usage must be one that some allowed key can carry, and the template's own key must carry one."""
    own = template.key_algorithm.family
    others = [each.family for each in KeyAlgorithm if role.allows_algorithm(each)] if template.any_key_algorithm else []
    for usage in template.key_usage:
        if not any(usage in usages.LEAF_USAGES[family] for family in (own, *others)):
            section.error(
                "key_usage", "contradiction", _("no allowed key can be used for %(usage)s (RFC 8813)"), usage=usage
            )
    carried = usages.LEAF_USAGES[own] & set(template.key_usage)
    if not carried:
        section.error("key_usage", "contradiction", _("a %(family)s key needs another usage"), family=own.value)
    if usages.AGREEMENT_ONLY & set(template.key_usage) and "key_agreement" not in template.key_usage:
        section.error("key_usage", "contradiction", _("encipher_only and decipher_only need key_agreement"))
    for purpose in template.extended_key_usage:
        consistent = usages.CONSISTENT_USAGES.get(purpose)
        if consistent is not None and not consistent & carried:
            name = usages.extended_key_usage_name(purpose)
            section.error(
                "extended_key_usage", "contradiction", _("%(purpose)s does not go with the key usage"), purpose=name
            )
