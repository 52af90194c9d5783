"""A database as FastPKI 0.4 keeps it, by what its documents say of the tables; filled with plain `cryptography`."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cas.core.names import parse_name

TABLES = """
CREATE TABLE organizations (id INTEGER PRIMARY KEY, name TEXT, description TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE users (
    id INTEGER PRIMARY KEY, username TEXT, email TEXT, hashed_password TEXT, role TEXT, is_active BOOLEAN,
    can_create_ca BOOLEAN, can_create_cert BOOLEAN, can_revoke_cert BOOLEAN, can_export_private_key BOOLEAN,
    can_delete_ca BOOLEAN, organization_id INTEGER, created_at TEXT, updated_at TEXT);
CREATE TABLE certificate_authorities (
    id INTEGER PRIMARY KEY, name TEXT, description TEXT, subject_dn TEXT, key_size INTEGER, valid_days INTEGER,
    private_key TEXT, certificate TEXT, organization_id INTEGER, created_by_user_id INTEGER, parent_ca_id INTEGER,
    path_length INTEGER, allow_leaf_certs BOOLEAN, crl_base_url TEXT, created_at TEXT, updated_at TEXT);
CREATE TABLE certificates (
    id INTEGER PRIMARY KEY, common_name TEXT, subject_dn TEXT, certificate_type TEXT, key_size INTEGER,
    valid_days INTEGER, status TEXT, private_key TEXT, certificate TEXT, serial_number TEXT, not_before TEXT,
    not_after TEXT, revoked_at TEXT, issuer_id INTEGER, organization_id INTEGER, created_by_user_id INTEGER,
    created_at TEXT, updated_at TEXT);
CREATE TABLE crl_entries (
    id INTEGER PRIMARY KEY, serial_number TEXT, revocation_date TEXT, reason TEXT, ca_id INTEGER, created_at TEXT);
"""
STAMP = "2026-05-01 10:00:00.123456"
REVOKED_AT = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)


@dataclass
class FastPkiServer:
    """What it holds: its file, the key that seals its private keys, and its CAs' own keys by their numbers."""

    file: Path
    sealing_key: bytes = field(default_factory=Fernet.generate_key)
    keys: dict[int, rsa.RSAPrivateKey] = field(default_factory=dict)
    certificates: dict[int, x509.Certificate] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            connection.executescript(TABLES)

    def insert(self, table: str, **values: object) -> None:
        names, places = ", ".join(values), ", ".join("?" * len(values))
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", [*values.values()])  # noqa: S608
            connection.commit()

    def seal(self, key: rsa.RSAPrivateKey) -> str:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return Fernet(self.sealing_key).encrypt(pem).decode()

    def add_ca(self, number: int, name: str, *, parent: int | None = None, organization: int | None = 1) -> None:
        key = rsa.generate_private_key(65537, 2048)
        subject = f"CN={name},O=Acme"
        certificate = self._sign(number, subject, key, parent, is_ca=True)
        self.keys[number], self.certificates[number] = key, certificate
        self.insert(
            "certificate_authorities",
            id=number,
            name=name,
            subject_dn=subject,
            key_size=2048,
            private_key=self.seal(key),
            certificate=certificate.public_bytes(Encoding.PEM).decode(),
            organization_id=organization,
            parent_ca_id=parent,
            allow_leaf_certs=parent is not None,
            created_at=STAMP,
        )

    def add_certificate(self, number: int, name: str, *, issuer: int, status: str = "VALID", reason: str = "") -> None:
        """Revoked with an entry on the CRL where a reason is given."""
        key = rsa.generate_private_key(65537, 2048)
        certificate = self._sign(issuer, f"CN={name}", key, issuer, is_ca=False)
        serial = f"{certificate.serial_number:x}"
        is_revoked = status == "REVOKED"
        self.insert(
            "certificates",
            id=number,
            common_name=name,
            certificate_type="SERVER",
            status=status,
            private_key=self.seal(key),
            certificate=certificate.public_bytes(Encoding.PEM).decode(),
            serial_number=serial,
            not_before=STAMP,
            not_after=certificate.not_valid_after_utc.replace(tzinfo=None).isoformat(sep=" "),
            revoked_at=REVOKED_AT.replace(tzinfo=None).isoformat(sep=" ") if is_revoked else None,
            issuer_id=issuer,
            organization_id=1,
        )
        if reason:
            moment = REVOKED_AT.replace(tzinfo=None).isoformat(sep=" ")
            self.insert("crl_entries", serial_number=serial, revocation_date=moment, reason=reason, ca_id=issuer)

    def _sign(
        self, place: int, subject: str, key: rsa.RSAPrivateKey, issuer: int | None, *, is_ca: bool
    ) -> x509.Certificate:
        signer = self.keys[issuer] if issuer is not None else key
        above = self.certificates[issuer].subject if issuer is not None else parse_name(subject)
        now = datetime.now(UTC).replace(microsecond=0)
        point = x509.UniformResourceIdentifier(f"http://fastpki.example/crl/old-name-{place}")
        builder = x509.CertificateBuilder(
            issuer_name=above,
            subject_name=parse_name(subject),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=10),
            not_valid_after=now + timedelta(days=3650 if issuer is None else 900 if is_ca else 300),
        ).add_extension(x509.BasicConstraints(is_ca, None), True)
        if not is_ca:
            points = x509.CRLDistributionPoints([x509.DistributionPoint([point], None, None, None)])
            builder = builder.add_extension(points, False)
        return builder.sign(signer, hashes.SHA256())
