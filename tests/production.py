"""`python -m tests.production COMMAND …` runs a command under settings as an organization would have them."""

from __future__ import annotations

import subprocess
import sys
import tempfile

from tests.processes import environment

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "pkiproject.settings",
    "DATABASE_URL": "postgresql://chancery:password@localhost/chancery",
    "REDIS_URL": "redis://localhost:6379/0",
    "CHANCERY_BASE_URL": "https://pki.example.com",
    "CHANCERY_MASTER_KEY": "c0a1e5b2d37f48960e1d2c3b4a59687f8e9dacbbcad9e8f70615243342516070",
    "CHANCERY_SECRET_KEY": "07061524334251607c0a1e5b2d37f48960e1d2c3b4a59687f8e9dacbbcad9e8f",
    "CHANCERY_TRUSTED_PROXIES": "1",
    "CHANCERY_WEB_PROCESSES": "2",
}


def main(command: list[str]) -> int:
    with tempfile.TemporaryDirectory() as folder:
        settings = environment(**SETTINGS, CHANCERY_STATE_DIR=folder)
        return subprocess.run([sys.executable, *command], env=settings, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
