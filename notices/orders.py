"""What the services of notices accept: frozen, typed, with no word of any dialect."""

from __future__ import annotations

from dataclasses import dataclass

from kernel.ref import Ref
from kernel.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOrder:
    """A place that messages are to go to.

    `kind` is one of `Channel.Kind`. Mail has `recipients`, everything else a `url`, which of Slack and Teams is the
    password as well. `subjects`: what it is told without any rule, values of `Subject`.
    """

    organization: Ref
    name: str
    kind: str
    recipients: tuple[str, ...] = ()
    url: Secret | None = None
    subjects: tuple[str, ...] = ()
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChange:
    """What is to change about a channel; None stays as it is."""

    name: str | None = None
    recipients: tuple[str, ...] | None = None
    url: Secret | None = None
    subjects: tuple[str, ...] | None = None
    is_active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOrder:
    """What is to be told, and over which channels.

    `thresholds` are days before the end, in any order; only what has an end has them. `filter` is in the language of
    the lists of certificates, `channels` name channels of the same organization.
    """

    organization: Ref
    name: str
    subject: str
    thresholds: tuple[int, ...] = ()
    filter: str = ""
    tells_owner: bool = False
    channels: tuple[Ref, ...] = ()
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """What is to change about a rule; None stays as it is. What it is about stays in any case."""

    name: str | None = None
    thresholds: tuple[int, ...] | None = None
    filter: str | None = None
    tells_owner: bool | None = None
    channels: tuple[Ref, ...] | None = None
    is_active: bool | None = None
