"""A browser that is signed in: `python -m bench.session USER` prints its cookie."""

from __future__ import annotations

import json
import sys

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import User  # noqa: E402


def main(user: int) -> None:
    client = Client()
    client.force_login(User.objects.get(pk=user), backend="accounts.sessions.PasswordBackend")
    name = settings.SESSION_COOKIE_NAME
    print(json.dumps({"cookie": f"{name}={client.cookies[name].value}"}))


if __name__ == "__main__":
    main(int(sys.argv[1]))
