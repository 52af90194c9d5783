from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.models import ApiKey, Membership, Organization, User
        from audit.events import EventName
        from audit.records import register

        register(Organization, made_by=[EventName.ORGANIZATION_CREATED], log="pk", are_subjects=True)
        register(User, made_by=[EventName.USER_CREATED], log=None, are_subjects=True)
        register(ApiKey, made_by=[EventName.API_KEY_CREATED], are_subjects=True)
        # A membership that ended is deleted.
        register(Membership, told_by=[EventName.MEMBERSHIP_CREATED], are_subjects=True)
