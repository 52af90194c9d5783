"""What the other rooms call: `record` what happened, `seal` it into the tree, `verify` that it stands, `export` it."""

from audit.services.exporting import export
from audit.services.losses import Loss, accept_loss, find_losses
from audit.services.newborn import forget_newborn_log
from audit.services.recording import (
    Happening,
    establish_key,
    establish_key_after_migration,
    new_event_id,
    record,
    record_many,
)
from audit.services.refusals import record_refusal
from audit.services.sealing import seal
from audit.services.verification import verify
from audit.verifier import Fault, Finding, LogVerification, Verification

__all__ = [
    "Fault",
    "Finding",
    "Happening",
    "LogVerification",
    "Loss",
    "Verification",
    "accept_loss",
    "establish_key",
    "establish_key_after_migration",
    "export",
    "find_losses",
    "forget_newborn_log",
    "new_event_id",
    "record",
    "record_many",
    "record_refusal",
    "seal",
    "verify",
]
