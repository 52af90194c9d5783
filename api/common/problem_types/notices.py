"""Channels, rules, notices and deliveries."""

from __future__ import annotations

from typing import Final

from api.common.problem_types import ProblemType
from api.common.problems import Family
from kernel.text import _

NOTICES: Final = (
    ProblemType("channel-not-found", Family.NOT_FOUND, _("Channel not found"), _("Look at the list of them again.")),
    ProblemType("channel-exists", Family.CONFLICT, _("Channel exists"), _("Choose another name for the channel.")),
    ProblemType("channel-inactive", Family.CONFLICT, _("Channel out of use"), _("Put the channel into use first.")),
    ProblemType("notice-rule-not-found", Family.NOT_FOUND, _("Rule not found"), _("Look at the list of them again.")),
    ProblemType("notice-rule-exists", Family.CONFLICT, _("Rule exists"), _("Choose another name for the rule.")),
    ProblemType("notice-not-found", Family.NOT_FOUND, _("Notice not found"), _("Look at the list of them again.")),
    ProblemType("mute-not-found", Family.NOT_FOUND, _("Not muted"), _("It may have been unmuted already.")),
    ProblemType("mute-exists", Family.CONFLICT, _("Muted already"), _("Nothing is left to do.")),
    ProblemType("delivery-not-found", Family.NOT_FOUND, _("Delivery not found"), _("It may have been deleted by now.")),
    ProblemType("delivery-waiting", Family.CONFLICT, _("Still to be sent"), _("Wait until it was sent or given up.")),
)
