"""What roles and templates say, in words: "up to 397 days · example.com, *.example.com · RSA 2048 or stronger"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cas.core.keys import KeyAlgorithm, KeyFamily
from cas.core.usages import EXTENDED_USAGES, parse_extended_key_usage
from cas.describe import key_words, purpose_words, usage_words
from cas.models import Role, Template

_DAY: Final = 86_400
_HOUR: Final = 3_600
_MOST_NAMED: Final = 4

Rules = list[tuple[str, str]]
"""What a rule is about, and what it says; both in the reader's language."""


def in_words(rules: Rules) -> str:
    """All of it in one line."""
    return " · ".join(words for _about, words in rules)


def template_rules(template: Template) -> Rules:
    """What can be asked for by a template, with its role and its CA: the strictest counts."""
    role, recipe = template.role.to_document(), template.to_document()
    return [
        *_document_rules(role, recipe),
        (_("Approval"), demands_text(template.ca, template.role, template)),
    ]


def role_rules(role: Role) -> Rules:
    """What a role lets through, whatever its templates say."""
    document: Mapping[str, Any] = role.to_document()
    return [
        (_("Validity"), _at_most(document["max_ttl"])),
        (_("Names"), names_text(document)),
        (_("Keys"), keys_text(allowed_keys(document["key_algorithms"]))),
        (_("Approval"), demands_text(role.ca, role)),
    ]


def _document_rules(role: Mapping[str, Any], recipe: Mapping[str, Any]) -> Rules:
    keys = allowed_keys(role["key_algorithms"]) if recipe["any_key_algorithm"] else [recipe["key_algorithm"]]
    return [
        (_("Validity"), _validity(recipe["validity"], role["max_ttl"])),
        (_("Names"), names_text(role)),
        (_("Keys"), keys_text(keys)),
        (_("Purpose"), purposes_text(recipe["extended_key_usage"])),
    ]


def duration_text(seconds: int) -> str:
    """A lifetime in its two largest units, from days down to minutes."""
    days, hours, minutes = seconds // _DAY, seconds % _DAY // _HOUR, seconds % _HOUR // 60
    parts = [
        (days, ngettext("%(count)d day", "%(count)d days", days)),
        (hours, ngettext("%(count)d hour", "%(count)d hours", hours)),
        (minutes, ngettext("%(count)d minute", "%(count)d minutes", minutes)),
    ]
    return " ".join([text % {"count": count} for count, text in parts if count][:2]) or _("less than a minute")


def allowed_keys(algorithms: Sequence[str]) -> list[KeyAlgorithm]:
    """Those that a role allows; it allows all where it names none."""
    return [each for each in KeyAlgorithm if not algorithms or each in algorithms]


def keys_text(algorithms: Sequence[str]) -> str:
    """Kinds of keys; of a family from some size upwards only the first is named."""
    if len(algorithms) == len(KeyAlgorithm):
        return _("any kind of key")
    return _(" or ").join(_key_texts(algorithms)) or "–"


def _key_texts(algorithms: Sequence[str]) -> Iterator[str]:
    for family in KeyFamily:
        members = [each for each in KeyAlgorithm if each.family is family]
        named = [each for each in members if each in algorithms]
        if len(named) > 1 and named == members[-len(named) :]:
            yield _("%(key)s or stronger") % {"key": key_words(named[0])}
        else:
            yield from map(key_words, named)


def names_text(role: Mapping[str, Any]) -> str:
    """The names that the role's part of a profile document lets in."""
    return ", ".join(_name_texts(role)) or _("no names")


def _name_texts(role: Mapping[str, Any]) -> Iterator[str]:
    if role["allow_any_name"]:
        yield _("any DNS name")
    else:
        yield from shortened(list(_domain_texts(role)))
    if role["allow_wildcards"]:
        yield _("wildcards")
    kinds = (
        (role["allow_ip_sans"], _("IP addresses"), role["allowed_ip_ranges"]),
        (role["allow_email_sans"], _("e-mail addresses"), role["allowed_email_domains"]),
        (role["allow_uri_sans"], _("URIs"), role["allowed_uri_prefixes"]),
    )
    for is_allowed, kind, limits in kinds:
        if is_allowed:
            yield f"{kind} ({', '.join(shortened(limits))})" if limits else kind
    if role["common_name"] == "required":
        yield _("with a common name")
    elif role["common_name"] == "forbidden":
        yield _("without a common name")


def _domain_texts(role: Mapping[str, Any]) -> Iterator[str]:
    for domain in role["allowed_domains"]:
        if role["allow_bare_domains"]:
            yield domain
        if role["allow_subdomains"]:
            yield _("names below %(domain)s") % {"domain": domain}


def shortened(texts: Sequence[str]) -> list[str]:
    """The first few of a long list, and how many more there are."""
    if len(texts) <= _MOST_NAMED:
        return list(texts)
    return [*texts[: _MOST_NAMED - 1], _("%(count)d more") % {"count": len(texts) - _MOST_NAMED + 1}]


def purposes_text(names: Sequence[str]) -> str:
    purposes = [parse_extended_key_usage(name) for name in names]
    return ", ".join(_(purpose_words(each)) for each in purposes if each is not None) or _("any purpose")


def usage_text(name: str) -> str:
    """A key usage or purpose as people call it, by our name for it."""
    purpose = EXTENDED_USAGES.get(name)
    return _(usage_words(name) if purpose is None else purpose_words(purpose))


def demands_text(*holders: Any) -> str:
    """Who must approve what goes past all of these CAs, roles and templates."""
    demands = dict.fromkeys(approval_text(holder) for holder in holders if holder.requires_approval)
    return " + ".join(demands) or _("no approval")


def approval_text(holder: Any) -> str:
    """Who must approve what a role, template or CA lets through."""
    count = holder.approvals_needed
    if not holder.requires_approval:
        return _("no approval")
    if not holder.approver_role:
        return ngettext("%(count)d approval", "%(count)d approvals", count) % {"count": count}
    text = ngettext("%(count)d approval by %(role)s", "%(count)d approvals by %(role)s", count)
    return text % {"count": count, "role": holder.approver_role}


def _validity(usual: int, longest: int) -> str:
    if usual == longest:
        return _at_most(longest)
    return _("%(usual)s, at most %(longest)s") % {"usual": duration_text(usual), "longest": duration_text(longest)}


def _at_most(seconds: int) -> str:
    return _("up to %(longest)s") % {"longest": duration_text(seconds)}
