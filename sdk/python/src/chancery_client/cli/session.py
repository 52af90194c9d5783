"""A client for the profile that a command works with."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace

from chancery_client import ChanceryClient, OAuth, Retries, Secret
from chancery_client.auth import Tokens as Pair
from chancery_client.auth import checked_token
from chancery_client.cli import profiles
from chancery_client.cli.failures import NotSignedIn
from chancery_client.cli.profiles import Profile
from chancery_client.cli.transport import tls_context

# A person waits for it, or a timer that comes again.
RETRIES = Retries(limit=4, longest_wait=30.0)


@contextlib.contextmanager
def connected(named: str | None) -> Iterator[ChanceryClient]:
    """The client of the profile of this name, or of what `profiles.chosen` finds without one.

    Raises:
        NotSignedIn: there is no profile, or no credential in it.
    """
    with client_of(profiles.chosen(named)) as client:
        yield client


def client_of(profile: Profile) -> ChanceryClient:
    """Raises NotSignedIn where the profile holds no credential, WrongUsage where its files cannot be used."""
    if profile.tokens is None and not profile.api_key and not profile.client_cert:
        raise NotSignedIn(f"There is no credential for {profile.url}.")
    context = tls_context(ca_bundle=profile.ca_bundle, client_cert=profile.client_cert, client_key=profile.client_key)
    return ChanceryClient(
        profile.url,
        api_key=_checked_key(profile.api_key) if profile.api_key else None,
        oauth=_oauth_of(profile),
        ssl_context=context,
        retries=RETRIES,
    )


def _checked_key(text: str) -> str:
    try:
        return checked_token(text)
    except ValueError as error:
        raise NotSignedIn("The API key cannot be one: it has spaces or letters that no key has.") from error


def _oauth_of(profile: Profile) -> OAuth | None:
    """Tokens that are renewed by one process at a time, and written down before they are used.

    A refresh token that comes twice ends the consent (docs/oauth.md), and a timer may run beside a person.
    """
    tokens = profile.tokens
    if tokens is None:
        return None

    @contextlib.contextmanager
    def guard() -> Iterator[Pair | None]:
        with profiles.alone_with(profile.name):
            stored = profiles.find(profile.name)
            yield _pair(stored.tokens) if stored and stored.tokens else None

    def keep(pair: Pair) -> None:
        stored = profiles.find(profile.name)
        if stored is not None and stored.tokens is not None:
            profiles.store(replace(stored, tokens=_with_pair(stored.tokens, pair)))

    pair = _pair(tokens)
    return OAuth(
        client_id=tokens.client_id,
        access_token=pair.access_token,
        refresh_token=pair.refresh_token,
        expires_at=pair.expires_at,
        on_refresh=keep,
        guard=guard,
    )


def _pair(tokens: profiles.Tokens) -> Pair:
    return Pair(Secret(tokens.access_token), Secret(tokens.refresh_token), tokens.expires_at)


def _with_pair(tokens: profiles.Tokens, pair: Pair) -> profiles.Tokens:
    return replace(
        tokens,
        access_token=pair.access_token.reveal() if pair.access_token else "",
        refresh_token=pair.refresh_token.reveal() if pair.refresh_token else "",
        expires_at=pair.expires_at or 0.0,
    )
