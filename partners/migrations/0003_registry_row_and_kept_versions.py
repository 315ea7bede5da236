"""The registry's only row, and the trigger that keeps a version of a mapping as it was published."""

from django.db import migrations

KEEP_VERSIONS = """
CREATE FUNCTION partners_keep_mapping_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    movable constant text[] := ARRAY['state', 'updated_at'];
BEGIN
    IF OLD.state = 'draft' THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'version % of mapping % is kept: only drafts are deleted', OLD.version, OLD.name
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'draft' OR to_jsonb(NEW) - movable IS DISTINCT FROM to_jsonb(OLD) - movable THEN
        RAISE EXCEPTION 'version % of mapping % is kept: publish a new version to change it', OLD.version, OLD.name
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER partners_keep_mapping_version BEFORE UPDATE OR DELETE ON partners_scopemapping
    FOR EACH ROW EXECUTE FUNCTION partners_keep_mapping_version();
"""

DROP = "DROP FUNCTION partners_keep_mapping_version() CASCADE"


def add_registry_row(apps, schema_editor):
    apps.get_model("partners", "Registry").objects.get_or_create(pk=1)


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0002_initial"),
    ]

    operations = [
        migrations.RunPython(add_registry_row, migrations.RunPython.noop),
        migrations.RunSQL(KEEP_VERSIONS, DROP),
    ]
