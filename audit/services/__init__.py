"""What the other rooms call: `record` what happened, `seal` it into the tree, `verify` that it still stands."""

from audit.services.recording import establish_key, establish_key_after_migration, new_event_id, record
from audit.services.refusals import record_refusal
from audit.services.sealing import seal
from audit.services.verification import verify
from audit.verifier import Fault, Finding, LogVerification, Verification

__all__ = [
    "Fault",
    "Finding",
    "LogVerification",
    "Verification",
    "establish_key",
    "establish_key_after_migration",
    "new_event_id",
    "record",
    "record_refusal",
    "seal",
    "verify",
]
