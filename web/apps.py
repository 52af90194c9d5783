from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    name = "web"
    verbose_name = _("Pages")
    default = True


class ChanceryAdminConfig(admin_apps.AdminConfig):
    """Django's admin with our own site: superusers only, and our sign-in page."""

    default_site = "web.admin_site.ChancerySite"
    default = False
