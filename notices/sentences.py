"""What a notice says to people: one sentence, in the language of whoever reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from kernel.text import Text, _
from notices.models import Notice
from notices.subjects import Subject

_SENTENCES: Final[Mapping[str, str]] = {
    Subject.CERTIFICATE_EXPIRING: _("The certificate %(name)s ends on %(ends)s."),
    Subject.CERTIFICATE_ISSUED: _("The certificate %(name)s was issued. It ends on %(ends)s."),
    Subject.CERTIFICATE_RENEWED: _("The certificate %(name)s was renewed. The new one ends on %(ends)s."),
    Subject.CERTIFICATE_REVOKED: _("The certificate %(name)s was revoked: %(reason)s."),
    Subject.RENEWAL_FAILED: _("The certificate %(name)s could not be renewed: %(error)s"),
    Subject.RENEWAL_NEEDED: _(
        "The certificate %(name)s has to be renewed by whoever has its key. It ends on %(ends)s."
    ),
    Subject.CA_EXPIRING: _("The CA %(name)s ends on %(ends)s."),
    Subject.CRL_LATE: _("A new CRL of %(name)s is due and has not come. The last one ends on %(ends)s."),
    Subject.REQUEST_WAITING: _("The request for %(name)s has waited for approval since %(since)s."),
    Subject.ORDER_FAILED: _("The order for %(name)s by the account %(account)s has failed: %(error)s"),
    Subject.AUDIT_BROKEN: _("The audit log does not verify. Findings: %(count)s."),
    Subject.NOT_SERVED: _("The certificate %(name)s is not being served at %(place)s."),
    Subject.TEST: _("This is a test of the channel %(name)s. Nothing has happened."),
}
# The facts that are times, as ISO 8601.
_TIMES: Final = frozenset({"ends", "since"})


def sentence_of(notice: Notice) -> Text:
    """What the page says."""
    return sentence(notice.subject, notice.label, notice.facts)


def sentence(subject: str, name: str, facts: Mapping[str, Any]) -> Text:
    """The same of a message, which has its facts in it. What a fact is not known of is a dash."""
    shown = {key: _time(value) if key in _TIMES else value for key, value in facts.items()}
    return Text(_SENTENCES[subject], _Facts({**shown, "name": name}))


class _Facts(dict[str, object]):
    def __missing__(self, _key: str) -> str:
        return "—"


def _time(text: Any) -> str:
    try:
        return f"{datetime.fromisoformat(str(text)).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return "—"
