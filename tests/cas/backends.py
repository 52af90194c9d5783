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
from kernel.errors import Conflict, Invalid
from tests import cast
from tests.refusals import refused

DATA = b"to be signed"


@cache
def new_key(algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> keystore.NewKey:
    """One of each kind is enough for a session: RSA keys take their time."""
    return keystore.generate_key(algorithm)


@pytest.mark.django_db
class BackendContract(ABC):
    """What is promised of a key wherever it lives."""

    def make(self, algorithm: KeyAlgorithm = KeyAlgorithm.ECDSA_P256) -> keystore.NewKey:
        """A new key, where the backend makes them."""
        return new_key(algorithm)

    @pytest.fixture
    def algorithms(self) -> tuple[KeyAlgorithm, ...]:
        """The kinds of keys that the backend keeps."""
        return tuple(KeyAlgorithm)

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
    def test_what_it_signs_verifies(self, organization, algorithm, algorithms):
        if algorithm not in algorithms:
            with refused(Invalid):
                self.make(algorithm)
            return
        row = self.keep(self.make(algorithm), organization)
        backend = self.open(CaKey.objects.get(pk=row.pk))
        assert is_signed_by(backend.public_key, backend.sign(DATA), DATA)
        assert not is_signed_by(backend.public_key, backend.sign(DATA), DATA + b"!")

    def test_its_row_says_which_key_it_is(self, organization):
        key = self.make()
        row = self.keep(key, organization)
        assert row.algorithm == key.algorithm
        assert bytes(row.public_key) == spki(key.public_key) == spki(self.open(row).public_key)
        assert row.key_hash == public_key_sha256(key.public_key)

    def test_an_open_key_does_not_print(self, organization):
        backend = self.open(self.keep(self.make(), organization))
        shown = f"{backend} {backend!r}"
        assert "PRIVATE" not in shown.upper()
        assert "EllipticCurve" not in shown

    def test_each_opening_is_a_key_of_its_own(self, organization):
        row = self.keep(self.make(), organization)
        assert self.open(row) is not self.open(row)

    def test_an_open_key_is_well(self, organization):
        self.open(self.keep(self.make(), organization)).health()

    def test_a_key_is_one_ca_s(self, organization):
        key = self.make()
        self.keep(key, organization)
        with refused(Conflict, "key-in-use"):
            self.keep(key, organization)
