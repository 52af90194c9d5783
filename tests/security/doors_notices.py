"""The pages of notices; `doors.py` says what the table means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

PAGES: Final[Mapping[str, str]] = {
    "/notifications/": "notices:read",
    "/notifications/read/": "notices:read",
    "/notifications/{notice}/mute/": "notices:write",
    "/notifications/rules/": "notices:read",
    "/notifications/rules/create/": "notices:write",
    "/notifications/rules/{notice_rule}/": "notices:read",
    "/notifications/rules/{notice_rule}/edit/": "notices:write",
    "/notifications/rules/{notice_rule}/disable/": "notices:write",
    "/notifications/rules/{notice_rule}/enable/": "notices:write",
    "/notifications/rules/{notice_rule}/remove/": "notices:write",
    "/notifications/channels/": "notices:read",
    "/notifications/channels/mail/": "notices:write",
    "/notifications/channels/webhook/": "notices:write",
    "/notifications/channels/slack/": "notices:write",
    "/notifications/channels/teams/": "notices:write",
    "/notifications/channels/{channel}/": "notices:read",
    "/notifications/channels/{channel}/test/": "notices:write",
    "/notifications/channels/{channel}/edit/": "notices:write",
    "/notifications/channels/{channel}/rotate/": "notices:write",
    "/notifications/channels/{channel}/disable/": "notices:write",
    "/notifications/channels/{channel}/enable/": "notices:write",
    "/notifications/channels/{channel}/remove/": "notices:write",
    "/notifications/deliveries/": "notices:read",
    "/notifications/deliveries/{delivery}/": "notices:read",
    "/notifications/deliveries/{delivery}/repeat/": "notices:write",
    "/notifications/muted/": "notices:read",
    "/notifications/muted/{mute}/unmute/": "notices:write",
}
