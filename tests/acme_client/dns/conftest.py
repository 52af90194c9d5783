"""A real name server, asked as the internet is: for our resolver, and as the authority of its zones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.services.private_ranges import allow_private_range
from acme_client.dns import resolving
from tests import cast
from tests.nameserver import NameServer, nameserver
from tests.office import Office, open_office

ZONES = {
    "example.test": """
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.1
plain TXT "first half, " "second half"
_acme-challenge.www CNAME www.challenges.test.
_acme-challenge.far CNAME hop1
hop1 CNAME hop2
hop2 CNAME www.challenges.test.
loop CNAME loop2
loop2 CNAME loop
sub NS ns1.sub
ns1.sub A 127.0.0.1
""",
    "sub.example.test": "@ NS ns1\nns1 A 127.0.0.1\n",
    "challenges.test": "@ NS ns1\nns1 A 127.0.0.1\n",
    # Its second server is another machine, or nobody.
    "two.test": "@ NS ns1\n@ NS ns2\nns1 A 127.0.0.1\nns2 A 127.0.0.2\n",
    "walk.test": """
@ NS ns1
ns1 A 127.0.0.1
@ A 127.0.0.1
@ CAA 0 issue "pebble.letsencrypt.org"
www A 127.0.0.1
_acme-challenge.www CNAME www.delegated
""",
    "caa.test": """
@ NS ns1
ns1 A 127.0.0.1
@ CAA 0 issue "letsencrypt.org; accounturi=https://example.com/1"
@ CAA 0 iodef "mailto:security@caa.test"
nobody CAA 0 issue ";"
wild CAA 0 issue "letsencrypt.org"
wild CAA 0 issuewild "zerossl.com"
mail CAA 0 iodef "mailto:security@caa.test"
critical CAA 128 tbs "unknown"
alias CNAME nobody
""",
}


@pytest.fixture(scope="session")
def knot() -> Iterator[NameServer]:
    with nameserver(ZONES) as server:
        yield server


@pytest.fixture
def internet(knot: NameServer, settings, monkeypatch) -> NameServer:
    """Names are looked up there, and its zones are asked there."""
    settings.DNS_RESOLVERS = [(knot.address, knot.port)]
    monkeypatch.setattr(resolving, "PORT", knot.port)
    return knot


@pytest.fixture
def office(db) -> Office:
    """It may name what stands on this machine."""
    office = open_office()
    allow_private_range(actor=cast.SUPERUSER, organization=office.organization, network="127.0.0.0/8")
    return office
