"""For programs that are run with this folder in `PYTHONPATH`: httpx waits longer than its five seconds.

How long an answer may take is measured where it matters; elsewhere the machine may be busy with other tests.
"""

from contextlib import suppress

with suppress(ImportError, AttributeError):
    import httpx

    for phase in ("connect", "read", "write", "pool"):
        setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, phase, 240.0)
