"""The behaviour that every key backend must show. A backend's tests inherit it and say how they keep and open keys."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache

import pytest

from accounts.models import Organization
from cas import keystore
from cas.backends import KeyBackend
from cas.core.keys import KeyAlgorithm, public_key_sha256, spki
from cas.core.schemes import is_signed_by
from cas.models import CaKey
from tests import cast

DATA = b"to be signed"


@cache
def new_key(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> keystore.NewKey:
    """One of each kind is enough for a session: RSA keys take their time."""
    return keystore.generate_key(algorithm)


@pytest.mark.django_db
class BackendContract(ABC):
    """What is promised of a key wherever it lives."""

    @abstractmethod
    def keep(self, key: keystore.NewKey, organization: Organization) -> CaKey:
        """A saved row of the backend, with this key."""

    @abstractmethod
    def open(self, row: CaKey) -> KeyBackend:
        """The key of the row, ready to sign."""

    @pytest.fixture
    def organization(self) -> Organization:
        return cast.organization()

    @pytest.mark.parametrize("algorithm", KeyAlgorithm)
    def test_what_it_signs_verifies(self, organization, algorithm):
        row = self.keep(new_key(algorithm), organization)
        backend = self.open(CaKey.objects.get(pk=row.pk))
        assert is_signed_by(backend.public_key, backend.sign(DATA), DATA)
        assert not is_signed_by(backend.public_key, backend.sign(DATA), DATA + b"!")

    @pytest.mark.parametrize("algorithm", KeyAlgorithm)
    def test_its_row_says_which_key_it_is(self, organization, algorithm):
        key = new_key(algorithm)
        row = self.keep(key, organization)
        assert row.algorithm == algorithm
        assert bytes(row.public_key) == spki(key.public_key) == spki(self.open(row).public_key)
        assert row.key_hash == public_key_sha256(key.public_key)

    def test_an_open_key_does_not_print(self, organization):
        backend = self.open(self.keep(new_key(), organization))
        shown = f"{backend} {backend!r}"
        assert "PRIVATE" not in shown.upper()
        assert "EllipticCurve" not in shown

    def test_each_opening_is_a_key_of_its_own(self, organization):
        row = self.keep(new_key(), organization)
        assert self.open(row) is not self.open(row)

    def test_an_open_key_is_well(self, organization):
        self.open(self.keep(new_key(), organization)).health()
