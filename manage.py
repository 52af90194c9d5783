#!/usr/bin/env python3
"""Chancery's commands; `manage.py help` lists them."""

import os
import sys

from django.core.management import execute_from_command_line

from pkiproject.environment import Misconfigured


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pkiproject.settings")
    try:
        execute_from_command_line(sys.argv)
    except Misconfigured as misconfigured:
        sys.exit(str(misconfigured))


if __name__ == "__main__":
    main()
