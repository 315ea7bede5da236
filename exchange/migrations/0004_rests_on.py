"""Tokens exchanged from tokens of ours: their parent, and the proof at commit that no ancestor was revoked meanwhile."""

from django.db import migrations, models

STANDS = """
CREATE FUNCTION exchange_stands(p_token uuid) RETURNS boolean LANGUAGE sql STABLE AS $$
    -- neither the token nor an ancestor nor a family of theirs is revoked or gone
    WITH RECURSIVE chain AS (
        SELECT id, parent_id, family_id, revoked_at FROM exchange_issuedtoken WHERE id = p_token
        UNION ALL
        SELECT parent.id, parent.parent_id, parent.family_id, parent.revoked_at
        FROM chain LEFT JOIN exchange_issuedtoken AS parent ON parent.id = chain.parent_id
        WHERE chain.parent_id IS NOT NULL
    )
    SELECT coalesce(bool_and(chain.id IS NOT NULL AND chain.revoked_at IS NULL AND family.id IS NOT NULL), false)
    FROM chain LEFT JOIN exchange_tokenfamily AS family ON family.id = chain.family_id AND family.revoked_at IS NULL
$$
"""


class Migration(migrations.Migration):
    """Runs after the tokens' and families' partner may be absent: clients of our own have none."""

    dependencies = [("exchange", "0003_standing")]
    operations = [
        migrations.AlterField("issuedtoken", "partner_id", models.UUIDField(blank=True, null=True)),
        migrations.AlterField("tokenfamily", "partner_id", models.UUIDField(blank=True, null=True)),
        migrations.RunSQL(STANDS, "DROP FUNCTION exchange_stands"),
    ]
