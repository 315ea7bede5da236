"""When a token was revoked, and the question whether it still stands, answered for many tokens in one round trip."""

from importlib import import_module

from django.db import migrations, models

RECORD = import_module("exchange.migrations.0002_exchange_record").FUNCTION
WITHOUT_OUTCOME = RECORD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "SELECT event, kind, outcome,", "SELECT event, kind, coalesce(outcome, ''),"
)
"""Events about tokens have no outcome; the only empty value of a batch comes out of a joined text as NULL."""

FUNCTION = """
CREATE FUNCTION exchange_standing(p_tokens text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE
    v_result text;
BEGIN
    WITH RECURSIVE asked AS (
        SELECT id, entry FROM unnest(string_to_array(p_tokens, chr(31))::uuid[]) WITH ORDINALITY AS t(id, entry)
    ), chain AS (
        SELECT asked.entry, token.parent_id, token.family_id, token.revoked_at
        FROM asked JOIN exchange_issuedtoken AS token ON token.id = asked.id
        UNION ALL
        -- an ancestor that was swept away ended long before: it can no more be vouched for, so the chain ends revoked
        SELECT chain.entry, parent.parent_id, parent.family_id,
            CASE WHEN parent.id IS NULL THEN to_timestamp(0) ELSE parent.revoked_at END
        FROM chain LEFT JOIN exchange_issuedtoken AS parent ON parent.id = chain.parent_id
        WHERE chain.parent_id IS NOT NULL
    ), judged AS (
        SELECT chain.entry, bool_or(
            chain.revoked_at IS NOT NULL OR (
                chain.family_id IS NOT NULL AND NOT EXISTS (
                    SELECT 1 FROM exchange_tokenfamily AS family
                    WHERE family.id = chain.family_id AND family.revoked_at IS NULL
                )
            )
        ) AS is_revoked
        FROM chain GROUP BY chain.entry
    )
    SELECT string_agg(
        CASE WHEN judged.entry IS NULL THEN 'u' WHEN judged.is_revoked THEN 'r' ELSE 'l' END, '' ORDER BY asked.entry
    ) INTO v_result FROM asked LEFT JOIN judged USING (entry);
    RETURN (SELECT epoch FROM partners_registry WHERE id = 1) || ':' || v_result;
END
$$
"""


class Migration(migrations.Migration):
    """One letter per token: live, revoked (it, an ancestor or its family), unknown."""

    dependencies = [("exchange", "0002_exchange_record")]
    operations = [
        migrations.AddField("issuedtoken", "revoked_at", models.DateTimeField(blank=True, null=True)),
        migrations.RunSQL(WITHOUT_OUTCOME, RECORD.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")),
        migrations.RunSQL(FUNCTION, "DROP FUNCTION exchange_standing"),
    ]
