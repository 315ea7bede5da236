"""The audit trail: partitioned by month, and closed to change by triggers for everyone, its owner included."""

from django.db import migrations, models

CREATE_EVENT = """
CREATE TABLE audit_event (
    id uuid NOT NULL PRIMARY KEY,
    kind varchar(40) NOT NULL,
    outcome varchar(10) NOT NULL,
    reason varchar(60) NOT NULL,
    partner_id uuid NULL,
    client varchar(255) NOT NULL,
    target varchar(1024) NOT NULL,
    actor varchar(300) NOT NULL,
    correlation_id uuid NOT NULL,
    canonical text NOT NULL,
    mac bytea NOT NULL,
    kek_id varchar(16) NOT NULL,
    schema_version smallint NOT NULL CHECK (schema_version >= 0)
) PARTITION BY RANGE (id);
CREATE TABLE audit_event_default PARTITION OF audit_event DEFAULT;
"""

CREATE_TRIGGERS = """
CREATE FUNCTION audit_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: audit events are written once and never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;
CREATE TRIGGER audit_event_no_change BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_event_no_truncate BEFORE TRUNCATE ON audit_event_default
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_pending_no_change BEFORE UPDATE ON audit_pending
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_change();
CREATE TRIGGER audit_pending_no_truncate BEFORE TRUNCATE ON audit_pending
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse_change();
"""

DROP_TRIGGERS = """
DROP TRIGGER audit_pending_no_truncate ON audit_pending;
DROP TRIGGER audit_pending_no_change ON audit_pending;
DROP FUNCTION audit_refuse_change() CASCADE;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Pending",
            fields=[
                ("event_id", models.UUIDField(primary_key=True, serialize=False)),
            ],
        ),
        # Django cannot say PARTITION BY; a test compares these columns with the model's.
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CREATE_EVENT, "DROP TABLE audit_event")],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        ("id", models.UUIDField(primary_key=True, serialize=False)),
                        ("kind", models.CharField(max_length=40)),
                        ("outcome", models.CharField(blank=True, max_length=10)),
                        ("reason", models.CharField(blank=True, max_length=60)),
                        ("partner_id", models.UUIDField(blank=True, null=True)),
                        ("client", models.CharField(blank=True, max_length=255)),
                        ("target", models.CharField(blank=True, max_length=1024)),
                        ("actor", models.CharField(blank=True, max_length=300)),
                        ("correlation_id", models.UUIDField()),
                        ("canonical", models.TextField()),
                        ("mac", models.BinaryField(max_length=32)),
                        ("kek_id", models.CharField(max_length=16)),
                        ("schema_version", models.PositiveSmallIntegerField(default=1)),
                    ],
                ),
            ],
        ),
        migrations.AddIndex("event", models.Index(fields=["partner_id", "-id"], name="event_by_partner")),
        migrations.AddIndex("event", models.Index(fields=["kind", "-id"], name="event_by_kind")),
        migrations.AddIndex("event", models.Index(fields=["correlation_id"], name="event_by_correlation")),
        migrations.RunSQL(CREATE_TRIGGERS, DROP_TRIGGERS),
    ]
