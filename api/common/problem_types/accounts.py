"""Organizations, people and their credentials."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

ACCOUNTS: Final = (
    ProblemType(
        "password-change-required",
        Family.DENIED,
        _("Password must be changed"),
        _("Sign in with a browser and set a new password first."),
    ),
    ProblemType(
        "second-factor-required",
        Family.DENIED,
        _("Second factor required"),
        _("Sign in with a browser and add a second factor first."),
    ),
    ProblemType(
        "second-factor-exists", Family.CONFLICT, _("Second factor exists"), _("Remove the one that is there first.")
    ),
    ProblemType(
        "second-factor-missing",
        Family.CONFLICT,
        _("No second factor"),
        _("Add an authenticator app or a passkey first."),
    ),
    ProblemType(
        "second-factor-not-found", Family.NOT_FOUND, _("Second factor not found"), _("Look at the list of them again.")
    ),
    ProblemType("session-not-found", Family.NOT_FOUND, _("Session not found"), _("It may have ended already.")),
    ProblemType("user-state", Family.CONFLICT, _("Nothing to change"), _("Look at the person again.")),
    ProblemType("device-not-found", Family.NOT_FOUND, _("Device not found"), _("Let the device show a new code.")),
    ProblemType(
        "oauth-client-not-found", Family.NOT_FOUND, _("Application not found"), _("Look at the list of them again.")
    ),
    ProblemType("link-gone", Family.GONE, _("Link used or expired"), _("Ask for a new link.")),
    ProblemType("custom-role-not-found", Family.NOT_FOUND, _("Role not found"), _("Check the role's id.")),
    ProblemType("custom-role-exists", Family.CONFLICT, _("Role exists"), _("Choose another slug for the role.")),
    ProblemType("role-in-use", Family.CONFLICT, _("Role in use"), _("Give its holders another role first.")),
    ProblemType("invitation-not-found", Family.NOT_FOUND, _("Invitation not found"), _("Check the invitation's id.")),
    ProblemType(
        "invitation-exists", Family.CONFLICT, _("Invited already"), _("Send the mail again, or cancel the invitation.")
    ),
    ProblemType(
        "invitation-closed", Family.CONFLICT, _("Invitation closed"), _("It was accepted or cancelled; invite anew.")
    ),
    ProblemType("invitation-gone", Family.GONE, _("Invitation over"), _("Ask for a new invitation.")),
    ProblemType(
        "invitation-for-another",
        Family.DENIED,
        _("Invitation for another"),
        _("Sign in as the person whose address was invited."),
    ),
    ProblemType("too-many-mails", Family.CONFLICT, _("Mailed too often"), _("Cancel the invitation and invite anew.")),
    ProblemType("sign-in-provider-not-found", Family.NOT_FOUND, _("Provider not found"), _("Check the provider's id.")),
    ProblemType("sign-in-provider-exists", Family.CONFLICT, _("Provider exists"), _("Change the one that is there.")),
    ProblemType(
        "external-identity-not-found", Family.NOT_FOUND, _("Identity not found"), _("Check the identity's id.")
    ),
    ProblemType(
        "external-identity-exists", Family.CONFLICT, _("Identity taken"), _("Remove it from the other person first.")
    ),
    ProblemType(
        "identity-unknown", Family.DENIED, _("Identity unknown"), _("Ask an owner of the organization to add you.")
    ),
    ProblemType(
        "organization-not-found", Family.NOT_FOUND, _("Organization not found"), _("Check the organization's id.")
    ),
    ProblemType(
        "organization-exists", Family.CONFLICT, _("Organization exists"), _("Choose another name for the organization.")
    ),
    ProblemType("member-not-found", Family.NOT_FOUND, _("Member not found"), _("Check the member's id.")),
    ProblemType("member-exists", Family.CONFLICT, _("Member exists"), _("Change the role of the member instead.")),
    ProblemType("last-owner", Family.CONFLICT, _("Last owner"), _("Make somebody else an owner first.")),
    ProblemType("user-exists", Family.CONFLICT, _("User exists"), _("The e-mail address or username is in use.")),
    ProblemType("api-key-not-found", Family.NOT_FOUND, _("API key not found"), _("Check the key's id.")),
    ProblemType("already-replaced", Family.CONFLICT, _("Key replaced already"), _("Use its successor.")),
    ProblemType("key-expired", Family.CONFLICT, _("Key expired"), _("Make a new key.")),
    ProblemType(
        "not-with-this-credential",
        Family.DENIED,
        _("Not with this credential"),
        _("Sign in with a browser, or use an API key where one will do."),
    ),
    ProblemType(
        "service-account-not-found", Family.NOT_FOUND, _("Service account not found"), _("Check the account's id.")
    ),
    ProblemType("service-account-exists", Family.CONFLICT, _("Service account exists"), _("Choose another name.")),
    ProblemType("already-disabled", Family.CONFLICT, _("Disabled already"), _("There is nothing to do.")),
    ProblemType("already-enabled", Family.CONFLICT, _("Active already"), _("There is nothing to do.")),
)
