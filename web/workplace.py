"""Pages of an organization need one to be chosen."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode


def choose_first(request: HttpRequest) -> HttpResponseRedirect:
    """To the choice of an organization, which leads back to this address with everything that it asks."""
    return redirect(f"{reverse('choose-organization')}?{urlencode({'next': request.get_full_path()})}")
