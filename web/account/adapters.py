"""How django-allauth lets people in here: by our rules, and with an event for each."""

from __future__ import annotations

from typing import Any, Final

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.stagekit import clear_login
from allauth.mfa.signals import authentication_failed
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.models import User
from accounts.services.sessions import record_sign_in
from accounts.sessions import BINDER, HOME, PasswordBackend, actor_of, nobody
from audit.events import EventName
from audit.resource import Resource
from audit.services import record_refusal

_BACKEND: Final = "accounts.sessions.PasswordBackend"
_LONGEST_NAME: Final = 254


class AccountAdapter(DefaultAccountAdapter):
    """What `ACCOUNT_ADAPTER` names."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited, or come from an organization's own provider."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address without the zone of a link; through a socket without addresses, the unspecified one."""
        return (request.META.get("REMOTE_ADDR") or "::").partition("%")[0]

    def is_safe_url(self, url: str) -> bool:
        """Of this very site."""
        request = self.request
        return url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **facts: Any) -> HttpResponse | None:
        """Whoever was disabled since, or whose first password has expired, stays outside by every way in."""
        if PasswordBackend().user_can_authenticate(user):
            return None
        clear_login(request)
        return self.respond_user_inactive(request, user)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        """Nobody is in without the log saying so."""
        if not isinstance(user, User):
            raise TypeError("only people sign in")
        records = get_authentication_records(request, user)
        methods = [str(each.get("type") or each["method"]) for each in records]
        elsewhere = [each for each in records if "organization" in each]
        with transaction.atomic():
            user.backend = _BACKEND  # type: ignore[attr-defined]
            super().login(request, user)
            for name in (HOME, BINDER):
                request.session.pop(name, None)
            if elsewhere:
                # A record keeps no None.
                request.session[HOME] = elsewhere[-1]["organization"]
                request.session[BINDER] = elsewhere[-1].get("binder")
            record_sign_in(actor=actor_of(request), methods=list(dict.fromkeys(methods)))

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        refuse_session(request, str(credentials.get("username") or credentials.get("email") or ""))

    def add_message(self, request: HttpRequest, level: int, *args: Any, **kwargs: Any) -> None:
        """Our pages say for themselves what has happened; of allauth's sentences only the errors are passed on."""
        if kwargs.get("message"):
            messages.add_message(request, level, kwargs["message"])


@receiver(authentication_failed, dispatch_uid="web.account.adapters")
def _second_factor_refused(request: HttpRequest, user: User, **_facts: Any) -> None:
    refuse_session(request, user.email)


def refuse_session(request: HttpRequest, name: str) -> None:
    """Tell of a try at this name that did not succeed."""
    resource = Resource("user", None, name[:_LONGEST_NAME])
    record_refusal(nobody(request), EventName.SESSION_REFUSED, resource, organization_id=None)
