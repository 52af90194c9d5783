"""Certificates of public CAs: accounts, orders, challenges, and what the servers say."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

ACME: Final = (
    ProblemType(
        "acme-account-not-found", Family.NOT_FOUND, _("ACME account not found"), _("Look at the list of them again.")
    ),
    ProblemType(
        "acme-account-exists", Family.CONFLICT, _("ACME account exists"), _("Choose another name for the account.")
    ),
    ProblemType(
        "acme-account-state",
        Family.CONFLICT,
        _("Wrong state of the ACME account"),
        _("This cannot be done with it as it is; the detail names its state."),
    ),
    ProblemType(
        "acme-account-pending",
        Family.UNAVAILABLE,
        _("ACME account not registered yet"),
        _("Wait until the server has registered it; the account says what stands in the way."),
    ),
    ProblemType("acme-account-busy", Family.CONFLICT, _("ACME account in hand"), _("Ask again in a few seconds.")),
    ProblemType(
        "acme-order-not-found", Family.NOT_FOUND, _("ACME order not found"), _("Look at the list of them again.")
    ),
    ProblemType(
        "acme-order-state",
        Family.CONFLICT,
        _("Wrong state of the ACME order"),
        _("This cannot be done with it as it is; the detail names its state."),
    ),
    ProblemType("acme-order-busy", Family.CONFLICT, _("ACME order in hand"), _("Ask again in a few seconds.")),
    ProblemType(
        "acme-order-expired",
        Family.CONFLICT,
        _("ACME order given up"),
        _("Do away with what it names, and order anew."),
    ),
    ProblemType(
        "acme-order-failed", Family.CONFLICT, _("ACME order failed"), _("Do away with what it names, and order anew.")
    ),
    ProblemType("acme-challenge-not-found", Family.NOT_FOUND, _("Challenge not found"), _("Look at its order again.")),
    ProblemType("acme-challenge-state", Family.CONFLICT, _("Challenge decided"), _("The server has looked already.")),
    ProblemType(
        "acme-refused", Family.CONFLICT, _("Refused by the ACME server"), _("The detail says what the server has said.")
    ),
    ProblemType(
        "acme-unavailable",
        Family.UNAVAILABLE,
        _("ACME server out of reach"),
        _("Ask again later; the detail says what came back."),
    ),
    ProblemType(
        "caa-forbids",
        Family.CONFLICT,
        _("CAA forbids it"),
        _("Name the CA in the CAA records of the domain, or order from another."),
    ),
    ProblemType("not-public", Family.CONFLICT, _("Not of a public CA"), _("It is renewed and revoked by its own CA.")),
    ProblemType(
        "no-acme-order", Family.CONFLICT, _("Account not known"), _("Revoke it at its CA with what you have there.")
    ),
    ProblemType(
        "foreign-certificate",
        Family.CONFLICT,
        _("Another organization's certificate"),
        _("The successor belongs to the organization of its predecessor."),
    ),
    ProblemType(
        "ordered-elsewhere",
        Family.CONFLICT,
        _("Ordered from a public CA"),
        _("Follow the order that is there already."),
    ),
    ProblemType(
        "renewal-under-way", Family.CONFLICT, _("Renewal under way"), _("Follow the order that is there already.")
    ),
)
