"""The canonical text of an event stays in its row as it is: compressing it was half of PostgreSQL's work per exchange."""

from django.db import migrations

STORE = """
DO $$
DECLARE
    v_table regclass;
BEGIN
    ALTER TABLE audit_event ALTER COLUMN canonical SET STORAGE {storage};
    FOR v_table IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'audit_event'::regclass LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN canonical SET STORAGE {storage}', v_table);
        EXECUTE format('ALTER TABLE %s {target}', v_table);
    END LOOP;
END
$$
"""


class Migration(migrations.Migration):
    """Partitions made later get the same from ``audit.partitions``."""

    dependencies = [("audit", "0002_event_indexes_of_lists")]
    operations = [
        migrations.RunSQL(
            STORE.format(storage="EXTERNAL", target="SET (toast_tuple_target = 8160)"),
            STORE.format(storage="EXTENDED", target="RESET (toast_tuple_target)"),
        )
    ]
