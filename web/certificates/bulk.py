"""One act on many certificates of the list: what it would do stands on a page first, and then what it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from accounts.policy import holds
from audit.admin import html
from audit.admin.forms import add_domain_error, message_of
from audit.admin.pages import Words
from certificates.admin.edit import TagsField
from certificates.admin.reasons import leaf_reason_field
from certificates.models import Certificate
from certificates.services import many
from certificates.services.many import Outcome, Report
from kernel.actor import Actor
from kernel.errors import DomainError
from kernel.permissions import Permission
from web.addresses import address_of
from web.certificates.choosing import Chosen, ids_of
from web.progress import Progress


class ManyForm(forms.Form):
    """Asks how many there are, where there are more than anybody sees at a glance."""

    most_uncounted: ClassVar[int] = 20

    def __init__(self, *args: Any, number: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.number = number
        if number > self.most_uncounted:
            self.fields["count"] = forms.IntegerField(
                label=_("How many are these?"),
                help_text=_("Type the number that stands above, so that nobody does this to more than intended."),
            )

    def clean_count(self) -> int:
        count: int = self.cleaned_data["count"]
        if count != self.number:
            raise forms.ValidationError(_("There are %(number)d by now."), params={"number": self.number})
        return count


class RevokeForm(ManyForm):
    reason = leaf_reason_field()
    comment = forms.CharField(label=_("Comment"), max_length=1000, required=False)


class TagForm(ManyForm):
    most_uncounted = many.MOST_AT_ONCE
    add = TagsField(
        label=_("Add tags"),
        required=False,
        max_length=1000,
        help_text=_("Words to find them by, with commas between them."),
    )
    remove = TagsField(label=_("Take tags away"), required=False, max_length=1000)


class HandOverForm(ManyForm):
    owner = forms.CharField(
        label=_("Who answers for them"),
        max_length=254,
        help_text=_("The e-mail address of a member of the organization."),
        widget=forms.EmailInput,
    )


class Act:
    """One thing that can be done to many: its words, its form, and the services that foresee and do it."""

    slug: ClassVar[str]
    need: ClassVar[Permission]
    word: ClassVar[Words]
    title: ClassVar[Words]
    explanation: ClassVar[Words]
    icon: ClassVar[str]
    is_dangerous: ClassVar[bool] = False
    form_class: ClassVar[type[ManyForm]] = ManyForm

    def address(self) -> str:
        return reverse(f"certificates-{self.slug}")

    def submit(self, number: int) -> str:
        raise NotImplementedError

    def done(self, number: int) -> str:
        raise NotImplementedError

    def foresee(self, rows: Sequence[Certificate], actor: Actor) -> list[Outcome]:
        raise NotImplementedError

    def act(self, rows: Sequence[Certificate], actor: Actor, data: Mapping[str, Any], report: Report) -> list[Outcome]:
        """Raises Invalid."""
        raise NotImplementedError

    def foreseen(self, outcome: Outcome) -> object:
        """What there is to know of one that it would be done to; empty where nothing is."""
        return ""

    def became(self, outcome: Outcome, at: datetime) -> object:
        """What has become of one that it was done to."""
        raise NotImplementedError


class Revoke(Act):
    slug = "revoke-many"
    need = Permission.CERTIFICATES_REVOKE
    word = _("Revoke…")
    title = _("Revoke certificates")
    explanation = _(
        "Each of these, with one reason. OCSP says so at once, the CRL within a minute. Only a hold can be undone."
    )
    icon = "ban"
    is_dangerous = True
    form_class = RevokeForm

    def submit(self, number: int) -> str:
        return ngettext("Revoke %(count)d certificate", "Revoke %(count)d certificates", number) % {"count": number}

    def done(self, number: int) -> str:
        text = ngettext("%(count)d certificate is revoked.", "%(count)d certificates are revoked.", number)
        return text % {"count": number}

    def foresee(self, rows: Sequence[Certificate], actor: Actor) -> list[Outcome]:
        return many.foresee_revocations(rows, visible_to=actor)

    def act(self, rows: Sequence[Certificate], actor: Actor, data: Mapping[str, Any], report: Report) -> list[Outcome]:
        reason, comment = data["reason"], data["comment"]
        return many.revoke_many(actor=actor, certificates=rows, reason=reason, comment=comment, report=report)

    def foreseen(self, outcome: Outcome) -> object:
        is_held = outcome.certificate.state == Certificate.State.HELD
        return _("Its hold becomes final.") if is_held else ""

    def became(self, outcome: Outcome, at: datetime) -> object:
        return html.badge(outcome.certificate.state)


class Renew(Act):
    slug = "renew-many"
    need = Permission.CERTIFICATES_RENEW
    word = _("Renew…")
    title = _("Renew certificates")
    explanation = _(
        "Each gets a successor with the same names, under its template as it is now; the old one goes on. "
        "Keys that are made here wait to be collected."
    )
    icon = "refresh"

    def submit(self, number: int) -> str:
        return ngettext("Renew %(count)d certificate", "Renew %(count)d certificates", number) % {"count": number}

    def done(self, number: int) -> str:
        text = ngettext(
            "%(count)d certificate is renewed, or waits for its approval.",
            "%(count)d certificates are renewed, or wait for their approval.",
            number,
        )
        return text % {"count": number}

    def foresee(self, rows: Sequence[Certificate], actor: Actor) -> list[Outcome]:
        return many.foresee_renewals(rows, visible_to=actor)

    def act(self, rows: Sequence[Certificate], actor: Actor, data: Mapping[str, Any], report: Report) -> list[Outcome]:
        return many.renew_many(actor=actor, certificates=rows, report=report)

    def foreseen(self, outcome: Outcome) -> object:
        if outcome.waits:
            return _("Somebody else has to approve it first.")
        is_ours = outcome.certificate.key_custody != Certificate.KeyCustody.SUBSCRIBER
        return _("A new key is made, and waits to be collected.") if is_ours else _("It keeps its key.")

    def became(self, outcome: Outcome, at: datetime) -> object:
        if outcome.successor is None:
            return _linked(_("Waits for an approval"), outcome.request)
        shown = _linked(html.serial(outcome.successor.serial), outcome.successor)
        return format_html("{} {}", shown, html.day(outcome.successor.not_after, at=at))


class Tag(Act):
    slug = "tag-many"
    need = Permission.CERTIFICATES_ISSUE
    word = _("Tag…")
    title = _("Tag certificates")
    explanation = _("Tags are found by the filter, as in tag:web. Nothing else about the certificates changes.")
    icon = "list"
    form_class = TagForm

    def submit(self, number: int) -> str:
        return ngettext("Tag %(count)d certificate", "Tag %(count)d certificates", number) % {"count": number}

    def done(self, number: int) -> str:
        text = ngettext("%(count)d certificate is tagged so.", "%(count)d certificates are tagged so.", number)
        return text % {"count": number}

    def foresee(self, rows: Sequence[Certificate], actor: Actor) -> list[Outcome]:
        return many.foresee_tags(rows, visible_to=actor)

    def act(self, rows: Sequence[Certificate], actor: Actor, data: Mapping[str, Any], report: Report) -> list[Outcome]:
        add, remove = data["add"], data["remove"]
        return many.tag_many(actor=actor, certificates=rows, add=add, remove=remove, report=report)

    def foreseen(self, outcome: Outcome) -> object:
        return ", ".join(outcome.certificate.tags)

    def became(self, outcome: Outcome, at: datetime) -> object:
        tags = ", ".join(outcome.certificate.tags) or "–"
        return tags if outcome.is_changed else format_html('{} <span class="sub">{}</span>', tags, _("as it was"))


class HandOver(Act):
    slug = "hand-over-many"
    need = Permission.CERTIFICATES_ISSUE
    word = _("Hand over…")
    title = _("Hand certificates over")
    explanation = _("Another member answers for these from now on, and is told when they end.")
    icon = "users"
    form_class = HandOverForm

    def submit(self, number: int) -> str:
        text = ngettext("Hand over %(count)d certificate", "Hand over %(count)d certificates", number)
        return text % {"count": number}

    def done(self, number: int) -> str:
        text = ngettext(
            "%(count)d certificate has a new owner now.", "%(count)d certificates have a new owner now.", number
        )
        return text % {"count": number}

    def foresee(self, rows: Sequence[Certificate], actor: Actor) -> list[Outcome]:
        return many.foresee_handovers(rows, visible_to=actor)

    def act(self, rows: Sequence[Certificate], actor: Actor, data: Mapping[str, Any], report: Report) -> list[Outcome]:
        return many.hand_over_many(actor=actor, certificates=rows, owner=data["owner"], report=report)

    def foreseen(self, outcome: Outcome) -> object:
        owner = outcome.certificate.owner
        return owner.email if owner else _("Nobody answers for it yet.")

    def became(self, outcome: Outcome, at: datetime) -> object:
        return self.foreseen(outcome)


ACTS: Final[Sequence[Act]] = (Renew(), Tag(), HandOver(), Revoke())


def acts_for(actor: Actor) -> list[Act]:
    return [act for act in ACTS if holds(actor, act.need)]


def views() -> list[tuple[Act, Callable[[HttpRequest, Actor], HttpResponse]]]:
    return [(act, partial(_serve, act)) for act in ACTS]


def _serve(act: Act, request: HttpRequest, actor: Actor) -> HttpResponse:
    """POST from the list shows what would be done, POST from there does it. GET leads back to the list."""
    if request.method != "POST":
        return redirect("certificates")
    try:
        chosen = Chosen.read(request.POST, actor)
    except DomainError as error:
        messages.error(request, message_of(error))
        return redirect("certificates")
    if not chosen.rows:
        messages.warning(request, _("Tick certificates in the list first."))
        return redirect(reverse("certificates") + chosen.asked.kept())
    foreseen = act.foresee(chosen.rows, actor)
    possible = [each for each in foreseen if not each.is_refused]
    is_answer = "go" in request.POST
    form = act.form_class(request.POST if is_answer else None, number=len(possible))
    if is_answer and possible and form.is_valid():
        try:
            progress = Progress.of_form(request, actor, len(possible))
            outcomes = act.act([each.certificate for each in possible], actor, form.cleaned_data, progress.step)
            return _report(act, request, chosen, outcomes)
        except DomainError as error:
            add_domain_error(form, error)
    at = timezone.now()
    context = {
        **_context(act, chosen),
        "form": form,
        "submit": act.submit(len(possible)),
        "possible": [(each, _standing(each, at), act.foreseen(each)) for each in possible],
        "refused": [each for each in foreseen if each.is_refused],
        "most": many.MOST_AT_ONCE,
        "ticket": uuid4(),
    }
    return render(request, "web/certificates/many.html", context, status=422 if form.errors else 200)


def _report(act: Act, request: HttpRequest, chosen: Chosen, outcomes: list[Outcome]) -> HttpResponse:
    at = timezone.now()
    done = [each for each in outcomes if not each.is_refused]
    refused = [each for each in outcomes if each.is_refused]
    context = {
        **_context(act, chosen),
        "done": [(each, act.became(each, at)) for each in done],
        "summary": act.done(len(done)),
        "refused": refused,
        "again": ids_of(each.certificate for each in refused),
    }
    return render(request, "web/certificates/many_done.html", context)


def _context(act: Act, chosen: Chosen) -> dict[str, Any]:
    return {"act": act, "title": act.title, "chosen": chosen, "back": reverse("certificates") + chosen.asked.kept()}


def _standing(outcome: Outcome, at: datetime) -> html.Status:
    return html.status_of(outcome.certificate.state, outcome.certificate.not_after, at=at)


def _linked(words: object, row: Any) -> object:
    address = address_of(row)
    return format_html('<a href="{}">{}</a>', address, words) if address else words
