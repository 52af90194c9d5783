"""What the other rooms call: `record` what happened, `seal` it into the tree, `verify` that it stands, `export` it."""

from audit.services.exporting import export
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
    "Verification",
    "establish_key",
    "establish_key_after_migration",
    "export",
    "new_event_id",
    "record",
    "record_many",
    "record_refusal",
    "seal",
    "verify",
]
