"""Forms of signing in and of the account."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

from allauth.account.forms import ReauthenticateForm
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.forms import AuthenticateForm
from allauth.mfa.base.forms import ReauthenticateForm as ReauthenticateByCodeForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm
from allauth.mfa.webauthn.internal.auth import parse_authentication_response
from django import forms
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

LONGEST_PASSWORD = 4096
# The step that is now, and as many before and after it as a clock may be wrong.
_CODE_SECONDS = mfa_settings.TOTP_PERIOD * (2 * mfa_settings.TOTP_TOLERANCE + 1)


def ask_password(label: Any, *, autofocus: bool = False) -> forms.CharField:
    attributes = {"autocomplete": "current-password", **({"autofocus": True} if autofocus else {})}
    widget = forms.PasswordInput(attrs=attributes)
    return forms.CharField(label=label, max_length=LONGEST_PASSWORD, strip=False, widget=widget)


def choose_password(label: Any, *, help_text: Any = "") -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": 12})
    return forms.CharField(label=label, help_text=help_text, max_length=LONGEST_PASSWORD, strip=False, widget=widget)


class NewPasswordForm(forms.Form):
    """A password that is chosen, twice."""

    new_password = choose_password(
        _("New password"),
        help_text=_("At least 12 characters; not a common word, not only digits. A short sentence is a good one."),
    )
    repeated = choose_password(_("New password, again"))

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("new_password") and data.get("repeated") and data["new_password"] != data["repeated"]:
            self.add_error("repeated", _("The two new passwords differ."))
        return data


class PasswordForm(NewPasswordForm):
    old_password = ask_password(_("Present password"), autofocus=True)
    field_order = ("old_password", "new_password", "repeated")


class SignInForm(forms.Form):
    username = forms.CharField(
        label=_("E-mail or username"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username webauthn", "autocapitalize": "none", "autofocus": True}
        ),
    )
    password = ask_password(_("Password"))


def _code_field() -> forms.CharField:
    attributes = {
        "autocomplete": "one-time-code",
        "autocapitalize": "none",
        "spellcheck": "false",
        "class": "mono",
        "autofocus": True,
    }
    return forms.CharField(
        label=_("Code"),
        max_length=40,
        help_text=_("The six digits of your authenticator app, or one of your recovery codes."),
        widget=forms.TextInput(attrs=attributes),
    )


class _Once:
    """A code is good once, for as long as its clock takes it (RFC 6238 section 5.2); and of two who send one recovery
    code at the same moment one is let in.
    """

    def clean_code(self) -> str:
        code: str = super().clean_code()  # type: ignore[misc]
        said = f"{self.user.pk}\0{code.strip()}"  # type: ignore[attr-defined]
        if not cache.add("code-used:" + sha256(said.encode()).hexdigest(), True, _CODE_SECONDS):
            raise get_adapter().validation_error("incorrect_code")
        return code


class CodeForm(_Once, AuthenticateForm):
    """A code at sign-in."""

    code = _code_field()


class CodeAgainForm(_Once, ReauthenticateByCodeForm):
    """A code before something that matters."""

    code = _code_field()


class PasswordAgainForm(ReauthenticateForm):
    """The password before something that matters."""

    password = ask_password(_("Password"), autofocus=True)


class _Answered(AuthenticateWebAuthnForm):
    """The answer of a browser to a challenge. Whatever stands in it, it is refused and breaks nothing."""

    def clean_credential(self) -> Authenticator:
        try:
            return cast(Authenticator, super().clean_credential())
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise get_adapter().validation_error("incorrect_code") from error


class PasskeyForm(_Answered):
    """A passkey as the second factor."""


class PasskeyAgainForm(_Answered):
    """A passkey before something that matters."""

    reauthenticated = True


class PasskeySignInForm(_Answered):
    """A passkey alone: it stands for two factors, so its holder must have shown himself to it, by PIN or finger."""

    passwordless = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=None, **kwargs)

    def clean_credential(self) -> Authenticator:
        answer = self.cleaned_data["credential"]
        found = super().clean_credential()
        if not parse_authentication_response(answer).response.authenticator_data.is_user_verified():
            raise forms.ValidationError(_("This passkey did not ask who you are. Sign in with your password first."))
        return found
