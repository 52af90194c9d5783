"""A process under another master key, at a database that is in use: it stops, and leaves nothing behind."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from accounts.models import Organization, WrappingKey
from cas.models import CertificateAuthority
from certificates.models import Crl
from tests.office import open_office
from tests.postgres import PATIENCE_SECONDS, child_environment

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]

ROOT = Path(__file__).resolve().parent.parent.parent
COMMANDS = {
    "the web server": [sys.executable, "-c", "import pkiproject.wsgi"],
    "a new organization": [sys.executable, "manage.py", "create_organization", "Intruder"],
    "a CRL": [sys.executable, "manage.py", "publish_crls"],
}


def test_a_process_with_another_master_key_does_nothing():
    open_office()
    counted = (Organization, WrappingKey, CertificateAuthority, Crl)
    before = [model._default_manager.count() for model in counted]
    environment = child_environment() | {"CHANCERY_MASTER_KEY": "00" * 31 + "01"}
    for what, command in COMMANDS.items():
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, timeout=PATIENCE_SECONDS, check=False
        )
        assert done.returncode != 0, what
        assert b"master key" in done.stderr.lower().replace(b"_", b" "), (what, done.stderr)
    assert [model._default_manager.count() for model in counted] == before
