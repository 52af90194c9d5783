"""TXT records by dns-lexicon. The only file that imports it.

Its providers are used one by one, without its own client: that would fetch a list of suffixes, and look for settings in
the environment and in files, where a tenant's configuration is all that counts.
"""

from __future__ import annotations

import importlib
import logging
from argparse import ArgumentParser, _StoreTrueAction
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import requests
from lexicon._private.discovery import find_providers
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError, LexiconError

from accounts.outbound import OutboundError
from acme_client.dns.errors import DnsError
from kernel.secret import Secret
from kernel.text import _

# Not ours to offer: they run programs, or read files and settings of the machine that we run on.
_NOT_OFFERED: Final = frozenset({"auto", "localzone", "oci", "ddns"})
# Records live for one challenge; some providers take nothing shorter.
_TTL_SECONDS: Final = 600
# What they log and print is requests with credentials, and answers.
for _name in ("lexicon", "boto3", "botocore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of one provider, as lexicon's command line has it."""

    name: str
    help: str
    choices: tuple[str, ...]
    is_flag: bool
    default: str


@cache
def kinds() -> tuple[str, ...]:
    """The providers that can be used with what is installed, by lexicon's names."""
    return tuple(sorted(name for name, is_there in find_providers().items() if is_there and name not in _NOT_OFFERED))


@cache
def options(kind: str) -> tuple[Option, ...]:
    parser = ArgumentParser(add_help=False)
    _module(kind).Provider.configure_parser(parser)
    return tuple(
        Option(
            action.dest,
            " ".join((action.help or "").split()),
            tuple(map(str, action.choices or ())),
            isinstance(action, _StoreTrueAction),
            action.default if isinstance(action.default, str) else "",
        )
        for action in parser._actions
        if action.type is None
    )


def create_txt(kind: str, config: Mapping[str, Secret], *, zone: str, name: str, value: str) -> None:
    """Add one TXT record; others of the same name stay. Call it inside the guard. Raises DnsError."""
    with _provider(kind, config, zone) as provider:
        if not provider.create_record("TXT", name, value):
            raise DnsError(_("The DNS provider did not take the record."))


def delete_txt(kind: str, config: Mapping[str, Secret], *, zone: str, name: str, value: str) -> None:
    """Take this one TXT record away, if it is there. Call it inside the guard. Raises DnsError."""
    with _provider(kind, config, zone) as provider:
        provider.delete_record(None, "TXT", name, value)


@contextmanager
def _provider(kind: str, config: Mapping[str, Secret], zone: str) -> Iterator[Any]:
    """Signed in. What is thrown inside becomes a DnsError: lexicon's own messages have addresses with keys in them."""
    module = _module(kind)
    module.print = _print_nothing
    told = {"provider_name": kind, "domain": zone, "ttl": _TTL_SECONDS, kind: _settings(kind, config)}
    try:
        provider = module.Provider(ConfigResolver().with_dict(told))
        provider.authenticate()
        try:
            yield provider
        finally:
            provider.cleanup()
    except (DnsError, OutboundError):
        raise
    except requests.HTTPError as error:
        status = error.response.status_code if error.response is not None else 0
        raise DnsError(_("The DNS provider answers %(status)s."), status=status) from None
    except AuthenticationError:
        raise DnsError(_("The DNS provider refuses the credentials, or has no zone %(zone)s."), zone=zone) from None
    except (requests.RequestException, OSError) as error:
        text = _("The DNS provider cannot be reached (%(reason)s).")
        raise DnsError(text, reason=type(error).__name__) from None
    except LexiconError:
        raise DnsError(_("The DNS provider did not do what it was asked for.")) from None
    except Exception as error:
        text = _("What the DNS provider answers is not understood (%(reason)s).")
        raise DnsError(text, reason=type(error).__name__) from None


def _settings(kind: str, config: Mapping[str, Secret]) -> dict[str, str]:
    """What its command line would have made of them: a flag is there or not, and what is not said has its default."""
    given = {name: value.reveal().decode() for name, value in config.items()}
    for option in options(kind):
        if option.is_flag and given.get(option.name) == "false":
            del given[option.name]
        elif option.default:
            given.setdefault(option.name, option.default)
    return given


def _module(kind: str) -> Any:
    return importlib.import_module(f"lexicon._private.providers.{kind}")


def _print_nothing(*_things: object, **_options: object) -> None:
    """In place of `print` in a provider's module."""
