from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.models import (
            ApiKey,
            CustomRole,
            ExternalIdentity,
            Invitation,
            IssuancePolicy,
            MachineIdentity,
            Membership,
            OAuthClient,
            OAuthConsent,
            OidcIssuer,
            Organization,
            PrivateRange,
            ServiceAccount,
            ServiceAccountToken,
            SignInProvider,
            User,
        )
        from audit.events import EventName
        from audit.records import register

        register(Organization, made_by=[EventName.ORGANIZATION_CREATED], log="pk", are_subjects=True)
        register(User, made_by=[EventName.USER_CREATED], log=None, are_subjects=True)
        register(ApiKey, made_by=[EventName.API_KEY_CREATED, EventName.API_KEY_ROTATED], are_subjects=True)
        register(ServiceAccount, made_by=[EventName.SERVICE_ACCOUNT_CREATED], are_subjects=True)
        register(ServiceAccountToken, made_by=[EventName.SERVICE_ACCOUNT_TOKEN_CREATED], are_subjects=True)
        # Those that registered themselves are deleted where nobody uses them.
        register(
            OAuthClient,
            made_by=[EventName.OAUTH_CLIENT_CREATED],
            told_by=[EventName.OAUTH_CLIENT_REGISTERED],
            are_subjects=True,
        )
        register(OAuthConsent, made_by=[EventName.OAUTH_CONSENT_GIVEN], are_subjects=True)
        register(Invitation, made_by=[EventName.INVITATION_CREATED], are_subjects=True)
        # These are deleted when they end.
        register(Membership, told_by=[EventName.MEMBERSHIP_CREATED], are_subjects=True)
        register(CustomRole, told_by=[EventName.CUSTOM_ROLE_CREATED], are_subjects=True)
        register(SignInProvider, told_by=[EventName.SIGN_IN_PROVIDER_CREATED], are_subjects=True)
        register(ExternalIdentity, told_by=[EventName.EXTERNAL_IDENTITY_CREATED], are_subjects=True)
        register(OidcIssuer, told_by=[EventName.OIDC_ISSUER_CREATED], are_subjects=True)
        register(MachineIdentity, told_by=[EventName.MACHINE_IDENTITY_BOUND], are_subjects=True)
        register(IssuancePolicy, told_by=[EventName.ISSUANCE_POLICY_SET], are_subjects=True)
        register(PrivateRange, told_by=[EventName.PRIVATE_RANGE_ALLOWED], are_subjects=True)
