"""Signing in from programs."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.services.sign_in_tokens import (
    end_sign_in_tokens,
    refresh_sign_in,
    sign_in_by_password,
    sign_out_token,
)
from api.common.auth import nobody
from api.common.openapi import operation
from api.common.parser import StrictJsonParser
from api.common.problems import Family
from api.common.throttles import count_token_request
from api.fastpki.dialect import FastPkiViewSet
from api.fastpki.identity_inputs import FormParser, LoginIn, RefreshIn
from api.fastpki.identity_outputs import TokenPairOut


class Login(FastPkiViewSet):
    """Tokens for a password, and new ones for old ones."""

    title = "Sign-in"
    public = frozenset({"token", "refresh"})
    # A token that is sent along, perhaps an old one, is no reason to refuse the password.
    authentication_classes: list[type[BaseAuthentication]] = []
    parser_classes = [FormParser]

    @operation("Sign in with a password", body=LoginIn, answers={200: TokenPairOut}, refusals=(Family.TOO_MANY,))
    def token(self, request: Request) -> Response:
        """Not for people with a second factor, or who must change their password first: they use a service account."""
        count_token_request(request._request)
        form = self.read(LoginIn)
        pair = sign_in_by_password(actor=nobody(request._request), name=form["username"], password=form["password"])
        return self.show(TokenPairOut, pair)


class Refresh(Login):
    """New tokens for a refresh token, which is used up."""

    parser_classes = [StrictJsonParser]

    @operation("Refresh the tokens", body=RefreshIn, answers={200: TokenPairOut}, refusals=(Family.TOO_MANY,))
    def refresh(self, request: Request) -> Response:
        """One that comes a second time ends all tokens of its sign-in."""
        count_token_request(request._request)
        token = self.read(RefreshIn)["refresh_token"]
        return self.show(TokenPairOut, refresh_sign_in(actor=nobody(request._request), token=token))


class Logout(FastPkiViewSet):
    """Giving tokens back."""

    title = "Sign-in"
    needs_no_permission = frozenset({"logout", "invalidate"})

    @operation("Sign out", body=RefreshIn, answers={204: None})
    def logout(self, request: Request) -> Response:
        """All tokens of the sign-in that this refresh token is from end."""
        sign_out_token(actor=self.actor, token=self.read(RefreshIn)["refresh_token"])
        return Response(status=204)

    @operation("End all of one's tokens", answers={204: None})
    def invalidate(self, request: Request) -> Response:
        end_sign_in_tokens(actor=self.actor)
        return Response(status=204)
