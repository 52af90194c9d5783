"""What a DNS provider was told: what may be seen in `config`, the credentials sealed beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from accounts import vault
from accounts.selectors import private_ranges_of
from acme_client.dns.changing import Changer
from acme_client.dns.errors import DnsError
from acme_client.name_models import DnsProvider
from kernel.seal import SealBroken
from kernel.secret import Secret
from kernel.text import _

_TABLE: Final = DnsProvider._meta.db_table


def seal(row: DnsProvider, secrets: Mapping[str, Secret]) -> bytes | None:
    """For `sealed_config` of this row; None where there are none."""
    if not secrets:
        return None
    text = json.dumps({name: value.reveal().decode() for name, value in secrets.items()})
    return vault.seal_secret(Secret(text), organization_id=row.organization_id, table=_TABLE, row=row.public_id)


def secrets_of(row: DnsProvider) -> dict[str, Secret]:
    """Raises SealBroken."""
    if row.sealed_config is None:
        return {}
    opened = vault.open_secret(
        bytes(row.sealed_config), organization_id=row.organization_id, table=_TABLE, row=row.public_id
    )
    return {name: Secret(value) for name, value in json.loads(opened.reveal()).items()}


def names_of_secrets(row: DnsProvider) -> list[str]:
    """Which fields are sealed. Where the seal is broken: none, as nothing of them is left."""
    try:
        return sorted(secrets_of(row))
    except SealBroken:
        return []


def whole_config(row: DnsProvider) -> dict[str, Secret]:
    """All that it was told. Raises SealBroken."""
    return {name: Secret(value) for name, value in row.config.items()} | secrets_of(row)


def texts_of(row: DnsProvider) -> dict[str, str]:
    """The same as it was written. Where the seal is broken, without credentials: they are then asked for."""
    try:
        return {name: value.reveal().decode() for name, value in whole_config(row).items()}
    except SealBroken:
        return dict(row.config)


def changer_of(row: DnsProvider) -> Changer:
    """All that is needed to ask it outside of every transaction. Raises DnsError (the seal is broken)."""
    try:
        config = whole_config(row)
    except SealBroken:
        raise DnsError(_("The credentials of the DNS provider cannot be opened: give them anew.")) from None
    return Changer(row.type, config, tuple(row.zones), tuple(private_ranges_of(row.organization_id)))
