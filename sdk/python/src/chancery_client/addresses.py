"""Which addresses credentials are sent to."""

from __future__ import annotations

import ipaddress

import httpx


def check_address(address: str, *, allow_insecure: bool) -> str:
    """The address without a slash at its end.

    Raises ValueError: it is no http address, has a user, a query or a fragment, or would carry credentials in the clear
    to another machine.
    """
    try:
        url = httpx.URL(address.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"This is not an address: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError("An address begins with https:// and the name of a server.")
    if url.userinfo or url.query or url.fragment:
        raise ValueError("The address of a server has no user, no query and no fragment.")
    if url.scheme == "http" and not allow_insecure and not is_loopback(url.host):
        raise ValueError(
            f"http://{url.host} would send credentials in the clear: use https, or say allow_insecure=True."
        )
    return str(url).rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether this is the same machine, by whatever name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
