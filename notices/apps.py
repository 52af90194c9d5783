from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NoticesConfig(AppConfig):
    name = "notices"
    verbose_name = _("Notices")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from audit.events import EventName
        from audit.records import register
        from notices.models import Channel, Mute, Rule

        # All of them are deleted when nobody wants them any more.
        register(Channel, told_by=[EventName.CHANNEL_CREATED], are_subjects=True)
        register(Rule, told_by=[EventName.NOTICE_RULE_CREATED], are_subjects=True)
        register(Mute, told_by=[EventName.NOTICE_OBJECT_MUTED], are_subjects=True)
