"""The sealed backend, with and without a passphrase."""

from __future__ import annotations

import pytest

from accounts.models import Organization
from cas import keystore
from cas.backends import KeyBackend, sealed
from cas.core.keys import serialize_private_key
from cas.models import CaKey
from kernel.seal import SealBroken
from kernel.secret import Secret
from tests import cast
from tests.cas.backends import BackendContract, new_key

PASSPHRASE = Secret("open, sesame seeds")


class SealedContract(BackendContract):
    passphrase: Secret | None = None

    def keep(self, key: keystore.NewKey, organization: Organization) -> CaKey:
        return keystore.keep_key(key, organization=organization, passphrase=self.passphrase)

    def open(self, row: CaKey) -> KeyBackend:
        return sealed.open_key(row, self.passphrase)

    def test_the_key_does_not_stand_in_its_row(self, organization):
        key = new_key()
        row = self.keep(key, organization)
        private = serialize_private_key(key._key, encoding="der").reveal()
        assert private not in bytes(row.sealed)
        assert key._key.private_numbers().private_value.to_bytes(32) not in bytes(row.sealed)

    def test_a_blob_that_was_moved_to_another_row_does_not_open(self, organization):
        row = self.keep(new_key(), organization)
        other = CaKey(organization=organization, sealed=row.sealed, passphrase_protected=row.passphrase_protected)
        with pytest.raises(SealBroken):
            self.open(other)

    def test_a_blob_that_was_changed_does_not_open(self, organization):
        row = self.keep(new_key(), organization)
        row.sealed = row.sealed[:-1] + bytes([row.sealed[-1] ^ 1])
        with pytest.raises(SealBroken):
            self.open(row)


class TestSealed(SealedContract):
    pass


class TestSealedBehindPassphrase(SealedContract):
    passphrase = PASSPHRASE

    @pytest.mark.parametrize(
        "guess", [None, Secret(""), Secret("open, sesame seed"), Secret(PASSPHRASE.reveal() + b" ")]
    )
    def test_another_passphrase_does_not_open(self, organization, guess):
        row = self.keep(new_key(), organization)
        with pytest.raises(SealBroken):
            sealed.open_key(row, guess)

    def test_to_forget_the_lock_does_not_open_it(self, organization):
        row = self.keep(new_key(), organization)
        row.passphrase_protected = False
        with pytest.raises(Exception, match="not a private key"):
            sealed.open_key(row, None)


@pytest.mark.django_db
def test_whoever_has_the_passphrase_and_not_the_master_key_opens_nothing(settings):
    row = keystore.keep_key(new_key(), organization=cast.organization(), passphrase=PASSPHRASE)
    settings.MASTER_KEY = Secret(bytes(32))
    with pytest.raises(SealBroken):
        sealed.open_key(row, PASSPHRASE)
