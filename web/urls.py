"""The pages."""

from __future__ import annotations

from django.urls import path
from django.views.i18n import set_language

from web import home, sign_in

urlpatterns = [
    path("", home.home, name="home"),
    path("sign-in/", sign_in.sign_in, name="sign-in"),
    path("sign-out/", sign_in.sign_out, name="sign-out"),
    path("password/", sign_in.password, name="password"),
    path("language/", set_language, name="language"),
]
