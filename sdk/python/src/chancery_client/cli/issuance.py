"""From a wish to the files of a certificate, also where somebody has to approve it first."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Union

from chancery_client import ApiError, ChanceryClient, NotYetIssued
from chancery_client.cli import keys
from chancery_client.cli.failures import ExitCode, Failure
from chancery_client.cli.files import refuse_overwriting
from chancery_client.cli.options import is_standard_output
from chancery_client.cli.output import moment, note, say, show_json, write_bytes
from chancery_client.cli.placing import Place
from chancery_client.cli.waiting import await_certificate, request_of
from chancery_client.models import Certificate, CertificateDetail, Issued

AnyCertificate = Union[CertificateDetail, Issued]
NO_PATIENCE = timedelta(0)


@dataclass(frozen=True)
class Target:
    """Where a key and its certificate go: two files, or standard output."""

    place: Place | None

    @classmethod
    def of(cls, out: Path | None, label: str, *, force: bool, with_key: bool = True) -> Target:
        """`PREFIX.key` and `PREFIX.pem`, where `out` is the prefix, or a folder.

        Raises:
            WrongUsage: files are in the way; that of a key only where one will be written.
        """
        if is_standard_output(out):
            return cls(None)
        prefix = Path(out) if out else Path(file_name(label))
        if prefix.is_dir():
            prefix = prefix / file_name(label)
        certificate, key = (prefix.with_name(f"{prefix.name}.{ending}") for ending in ("pem", "key"))
        place = Place(certificate, key, is_new=not force)
        refuse_overwriting(*([place.key] if with_key else []), place.certificate, force=force)
        return cls(place)

    def stage(self, key: keys.PrivateKey) -> None:
        """Before the server is asked, so that a folder that cannot be written to costs nobody a certificate."""
        if self.place:
            self.place.stage_key(key)

    def discard(self) -> None:
        if self.place:
            self.place.discard_staged()

    def keep_key(self, key: keys.PrivateKey) -> None:
        """The key alone: its certificate comes when somebody has approved it."""
        if self.place is None:
            write_bytes(keys.key_to_pem(key))
        else:
            self.place.keep_key(key)

    @property
    def prefix(self) -> str:
        return "-" if self.place is None else str(self.place.certificate.with_suffix(""))


def file_name(label: str) -> str:
    """`wildcard.example.com` of `*.example.com`: nothing in it leads to another folder, or is hidden there."""
    text = re.sub(r"[^\w.@-]+", "_", label.replace("*", "wildcard")).lstrip(".-")
    return text[:100] or "certificate"


def obtain_for_own_key(
    key: keys.PrivateKey, target: Target, ask: Callable[[], Issued], await_it: Callable[[str], CertificateDetail]
) -> AnyCertificate:
    """The certificate for a key that was made here, which is kept wherever it may be needed.

    Raises:
        Failure: it waits for an approval; the key is in its place then.
    """
    target.stage(key)
    try:
        return ask()
    except NotYetIssued as filed:
        try:
            return await_it(request_of(filed))
        except Failure as failure:
            if failure.code is not ExitCode.WAITING:
                target.discard()
                raise
            target.keep_key(key)
            raise with_collecting(failure, filed.filed.id, target.prefix) from None
    except ApiError:
        target.discard()
        raise


def awaiting(client: ChanceryClient, patience: timedelta) -> Callable[[str], CertificateDetail]:
    return lambda request_id: await_certificate(client, request_id, patience=patience)


def with_collecting(failure: Failure, request_id: str, out: str) -> Failure:
    """The same; where it still waits, with what to type later."""
    if failure.code is ExitCode.WAITING:
        failure.hint = f"When it is approved: chancery requests collect {request_id} --out {shlex.quote(out)}"
    return failure


def awaited(await_it: Callable[[str], CertificateDetail], filed: NotYetIssued, out: str) -> CertificateDetail:
    """What was filed, when it was approved. Raises Failure, which says how it is fetched later."""
    request_id = request_of(filed)
    try:
        return await_it(request_id)
    except Failure as failure:
        raise with_collecting(failure, request_id, out) from None


def managed_key_of(client: ChanceryClient, issued: AnyCertificate) -> bytes:
    """The key that the server has made: out of its answer, or collected, once.

    Raises:
        ApiError: it waits for somebody else, or was collected already.
    """
    handed_out = getattr(issued, "private_key", None)
    found = handed_out or client.certificates.collect_private_key(issued.id).private_key
    return found.reveal().encode("ascii")


def chained(client: ChanceryClient, issued: AnyCertificate) -> bytes:
    """The certificate and its intermediates in PEM; its root, which others must have anyway, is left out."""
    if isinstance(issued, Issued):
        content = "".join([issued.certificate, *issued.chain]).encode("ascii")
    else:
        content = client.certificates.download(issued.id, fmt="fullchain")
    leaf, *above = keys.read_certificates(content, place="the server's answer")
    return keys.to_pem(leaf, *(each for each in above if not keys.is_root(each)))


def deliver(issued: AnyCertificate, target: Target, certificates: bytes, key: bytes | None, *, as_json: bool) -> None:
    """Both in their place, and what there is to say of it; None: there is no key to be handed over."""
    if target.place is None:
        if not as_json:
            write_bytes((key or b"") + certificates)
        tell_issued(issued, as_json=as_json, key=key)
        return
    # Whatever an earlier run has left there: this key, or none, belongs to this certificate.
    target.place.discard_staged()
    if key is not None:
        target.place.stage_key_in_pem(key)
    target.place.put(certificates)
    places = [target.place.key] if key is not None else []
    tell_issued(issued, *places, target.place.certificate, as_json=as_json)


def label_of(certificate: Union[AnyCertificate, Certificate]) -> str:
    """What people call it: its common name, else the first of its names."""
    name = certificate.subject.get("common_name") or (certificate.sans or [certificate.serial])[0]
    return str(name[0] if isinstance(name, list) else name)


def tell_issued(issued: AnyCertificate, *places: Path, as_json: bool, key: bytes | None = None) -> None:
    """What came of it, and where it is. A key that is given here was asked for, by `--out -`."""
    if as_json:
        document: dict[str, Any] = issued.to_dict()
        document.pop("private_key", None)
        document.pop("delivery", None)
        if key is not None:
            document["private_key"] = key.decode("ascii")
        show_json({**document, "files": [str(place) for place in places]})
        return
    tell = say if places else note
    tell(f"Issued {issued.serial}, good until {moment(issued.not_after)}.")
    for place in places:
        tell(f"  {place}")
