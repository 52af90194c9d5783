"""The pages."""

from __future__ import annotations

from allauth.account.views import reauthenticate
from allauth.mfa.base.views import authenticate
from allauth.mfa.base.views import reauthenticate as reauthenticate_by_code
from allauth.mfa.webauthn.views import reauthenticate_webauthn
from django.urls import path
from django.views.i18n import set_language

from web import progress, search, sign_in
from web.account import (
    api_keys,
    external,
    invitations,
    machines,
    members,
    organization,
    passwords,
    profile,
    providers,
    roles,
    security,
    service_accounts,
    sessions,
    why,
)
from web.account.guessing import refused_uncounted
from web.acme import accounts as acme_accounts
from web.acme import dns as dns_providers
from web.acme import names as public_names
from web.acme import orders as acme_orders
from web.audit import desk as audit
from web.authorities import certificates as authority_certificates
from web.authorities import records as authorities
from web.certificates import listing as certificate_list
from web.certificates import records as certificates
from web.certificates import saved as saved_filters
from web.dashboard import pages as dashboard
from web.inspect import inspect_anything
from web.notices import centre, channels, deliveries, muted, rules
from web.oauth import applications, authorize, device
from web.policy import roles as policy_roles
from web.policy import templates as policy_templates
from web.requests import records as requests
from web.setup.pages import URLS as SETUP
from web.trust import anchors as trust_anchors

# What django-allauth looks up by its own names stands here under them.
SIGN_IN = [
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-in/again/", sign_in.sign_in_again, name="sign-in-again"),
    path("sign-in/code/", refused_uncounted(authenticate), name="mfa_authenticate"),
    path("sign-in/passkey/", refused_uncounted(sign_in.PasskeySignIn.as_view()), name="mfa_login_webauthn"),
    path("sign-in/closed/", sign_in.closed, name="account_inactive"),
    path("sign-in/with/<uuid:provider_id>/", external.begin, name="sign-in-with"),
    path("sign-in/with/<uuid:provider_id>/callback/", external.callback, name="sign-in-callback"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("password/", sign_in.password, name="password"),
    path("password/forgotten/", passwords.forgotten, name="password-forgotten"),
    path("password/new/<str:place>/<str:token>/", passwords.choose, name="password-new"),
    path("confirm/", refused_uncounted(reauthenticate), name="account_reauthenticate"),
    path("confirm/code/", refused_uncounted(reauthenticate_by_code), name="mfa_reauthenticate"),
    path("confirm/passkey/", refused_uncounted(reauthenticate_webauthn), name="mfa_reauthenticate_webauthn"),
    path("invitations/<str:token>/", invitations.accept, name="invitation"),
]
ACCOUNT = [
    path("account/", profile.show_profile, name="account"),
    path("account/organization/", profile.choose_organization, name="choose-organization"),
    path("account/security/", security.overview, name="security"),
    path("account/security/app/", security.add_app, name="authenticator-app"),
    path("account/security/passkey/", security.add_key, name="passkey-add"),
    path("account/security/recovery-codes/", security.recovery_codes, name="recovery-codes"),
    path("account/security/<int:number>/remove/", security.remove, name="second-factor-remove"),
    path("account/sessions/", sessions.overview, name="sessions"),
    path("account/api-keys/", api_keys.overview, name="api-keys"),
    path("account/api-keys/new/", api_keys.generate, name="api-key-new"),
    path("account/api-keys/<uuid:public_id>/", api_keys.detail, name="api-key"),
    path("account/api-keys/<uuid:public_id>/rotate/", api_keys.rotate, name="api-key-rotate"),
    path("account/api-keys/<uuid:public_id>/revoke/", api_keys.revoke, name="api-key-revoke"),
    path("account/applications/", applications.granted, name="applications"),
]
ORGANIZATION = [
    path("organization/members/", members.overview, name="members"),
    path("organization/members/<uuid:public_id>/", members.change, name="member"),
    path("organization/members/<uuid:public_id>/remove/", members.remove, name="member-remove"),
    path("organization/invitations/<uuid:public_id>/", members.invitation, name="member-invitation"),
    path("organization/roles/", roles.overview, name="custom-roles"),
    path("organization/roles/add/", roles.add, name="custom-role-add"),
    path("organization/roles/<uuid:public_id>/", roles.change, name="custom-role"),
    path("organization/sign-in/", providers.overview, name="sign-in-rules"),
    path("organization/sign-in/add/", providers.add, name="sign-in-provider-add"),
    path("organization/sign-in/<uuid:public_id>/", providers.change, name="sign-in-provider"),
    path("organization/machines/", machines.overview, name="machines"),
    path("organization/machines/issuers/add/", machines.add_issuer, name="token-issuer-add"),
    path("organization/machines/issuers/<uuid:public_id>/", machines.change_issuer, name="token-issuer"),
    path("organization/machines/subjects/bind/", machines.bind_subject, name="machine-bind-subject"),
    path("organization/machines/certificates/bind/", machines.bind_certificate, name="machine-bind-certificate"),
    path("organization/machines/<uuid:public_id>/unbind/", machines.unbind, name="machine-unbind"),
    path("organization/settings/", organization.settings_page, name="organization-settings"),
    path("organization/why/", why.why, name="organization-why"),
    *service_accounts.DESK.urls(),
    *service_accounts.TOKENS.urls(),
]
OAUTH = [
    path("oauth/authorize", authorize.authorize, name="oauth-authorize"),
    path("device/", device.device, name="oauth-device"),
    path("organization/applications/", applications.clients, name="oauth-clients"),
    path("organization/applications/add/", applications.add, name="oauth-client-add"),
    path("organization/applications/withdraw/", applications.withdraw, name="oauth-consent-withdraw"),
    path("organization/applications/<uuid:public_id>/revoke/", applications.revoke, name="oauth-client-revoke"),
]
OPERATE = [
    *acme_orders.DESK.urls(),
    *acme_orders.CHALLENGES.urls(),
    *acme_accounts.DESK.urls(),
    *public_names.DESK.urls(),
    *dns_providers.DESK.urls(),
    *audit.DESK.urls(),
    *authorities.DESK.urls(),
    *authority_certificates.DESK.record_urls(),
    *trust_anchors.DESK.urls(),
    path("work/", progress.show, name="progress"),
    path("tools/inspect/", inspect_anything, name="inspect"),
    *certificates.DESK.urls(),
    *certificate_list.urls(certificates.DESK),
    *saved_filters.DESK.urls(),
    *policy_templates.DESK.urls(),
    *policy_roles.DESK.urls(),
    *requests.DESK.urls(),
]

NOTICES = [
    *rules.DESK.urls(),
    *channels.DESK.urls(),
    *deliveries.DESK.urls(),
    *muted.DESK.urls(),
    *centre.DESK.urls(),
]
urlpatterns = [
    path("", dashboard.home, name="home"),
    path("overview.csv", dashboard.figures, name="dashboard-figures"),
    path("search/", search.search, name="search"),
    path("language/", set_language, name="language"),
    *SIGN_IN,
    *ACCOUNT,
    *ORGANIZATION,
    *OAUTH,
    *SETUP,
    *OPERATE,
    *NOTICES,
]
