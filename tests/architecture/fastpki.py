"""The calls and the events of services that FastPKI's clients brought with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from cas.orders import Dialect
from cas.services.authorities import retire_childless_ca
from cas.services.exporting import export_ca_key
from cas.services.standing import enable_dialect
from kernel.ref import Ref

_OPENED: Final = ["role.created", "template.created"] * 3


def _open(s: Any) -> None:
    enable_dialect(actor=s.owner, ca=Ref("pk", s.office.issuing.pk), dialect=Dialect.FASTPKI)


def _export(s: Any) -> None:
    _open(s)
    export_ca_key(actor=s.owner, ca=s.office.issuing)


FASTPKI_CALLS: dict[str, tuple[Callable[[Any], object], list[str]]] = {
    "cas.enable_dialect": (_open, _OPENED),
    "cas.export_ca_key": (_export, [*_OPENED, "ca.key_exported"]),
    "cas.retire_childless_ca": (
        lambda s: retire_childless_ca(actor=s.owner, ca=s.office.issuing),
        ["ca.retired"],
    ),
}
