"""What the other rooms call: `record` what happened, `seal` it into the tree, `verify` that it still stands."""

from audit.services.recording import establish_key, establish_key_after_migration, new_event_id, record

__all__ = ["establish_key", "establish_key_after_migration", "new_event_id", "record"]
