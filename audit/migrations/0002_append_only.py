"""The log only grows: the database refuses what the services never do.

An event changes once, when it gets its position. A tile grows to its right. A checkpoint never changes. A key
may be retired or sealed anew, and its public half stays. None of them is deleted.
"""

from django.db import migrations

EVENT, TILE, CHECKPOINT, KEY = "audit_auditevent", "audit_audittile", "audit_auditcheckpoint", "audit_auditkey"
MESSAGE = "the audit log is append-only"

FIXED = {
    EVENT: "id log event_id canonical signature key_id name at actor_kind actor_id actor_label"
    " resource_type resource_id resource_label serial ip trace_id",
    TILE: "id log level number",
    CHECKPOINT: "id log size root note at",
    KEY: "id key_id public_key created_at",
}
# What an UPDATE must fulfil besides leaving the fixed columns as they are.
ALSO = {
    EVENT: "OLD.position IS NULL AND NEW.position IS NOT NULL",
    TILE: "substr(NEW.hashes, 1, length(OLD.hashes)) = OLD.hashes",
    CHECKPOINT: "FALSE",
    KEY: "TRUE",
}


def allowed(table, same_as):
    old, new = (", ".join(f"{row}.{column}" for column in FIXED[table].split()) for row in ("OLD", "NEW"))
    return f"{ALSO[table]} AND ({new}) {same_as} ({old})"


def postgresql(table):
    return (
        f"""
        CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' THEN
                IF {allowed(table, 'IS NOT DISTINCT FROM')} THEN
                    RETURN NEW;
                END IF;
            END IF;
            RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation';
        END $$
        """,
        f"""
        CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION {table}_append_only()
        """,
        f"""
        CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()
        """,
    )


def sqlite(table):
    refuse = f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
    return (
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} WHEN NOT ({allowed(table, 'IS')}) {refuse}",
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}",
    )


def guard(apps, schema_editor):
    statements = {"postgresql": postgresql, "sqlite": sqlite}[schema_editor.connection.vendor]
    for table in (EVENT, TILE, CHECKPOINT, KEY):
        for statement in statements(table):
            schema_editor.execute(statement, params=None)


def unguard(apps, schema_editor):
    for table in (EVENT, TILE, CHECKPOINT, KEY):
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP FUNCTION {table}_append_only() CASCADE", params=None)
        else:
            schema_editor.execute(f"DROP TRIGGER {table}_no_update", params=None)
            schema_editor.execute(f"DROP TRIGGER {table}_no_delete", params=None)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(guard, unguard)]
