"""Whether tokens stand, and whether an identifier was used before, is looked up by index, whatever a plan was made for.

A session keeps the plans of its functions. Those made while an installation had a few hundred tokens read the whole table,
and went on doing so when there were a hundred thousand: an introspection took ten times as long until PostgreSQL
next gathered its statistics. ``OFFSET 0`` keeps each look-up a look-up; without it the planner may read all and join.
"""

from importlib import import_module

from django.db import migrations

STANDING = """
CREATE OR REPLACE FUNCTION exchange_standing(p_tokens text) RETURNS text LANGUAGE plpgsql STABLE
SET enable_seqscan = off
AS $$
DECLARE
    v_result text;
BEGIN
    WITH RECURSIVE asked AS (
        SELECT id, entry FROM unnest(string_to_array(p_tokens, chr(31))::uuid[]) WITH ORDINALITY AS t(id, entry)
    ), chain AS (
        SELECT asked.entry, token.parent_id, token.family_id, token.revoked_at
        FROM asked CROSS JOIN LATERAL (
            SELECT parent_id, family_id, revoked_at FROM exchange_issuedtoken WHERE id = asked.id OFFSET 0
        ) AS token
        UNION ALL
        -- an ancestor that was swept away ended long before: it can no more be vouched for, so the chain ends revoked
        SELECT chain.entry, parent.parent_id, parent.family_id,
            CASE WHEN parent.id IS NULL THEN to_timestamp(0) ELSE parent.revoked_at END
        FROM chain LEFT JOIN LATERAL (
            SELECT id, parent_id, family_id, revoked_at FROM exchange_issuedtoken WHERE id = chain.parent_id OFFSET 0
        ) AS parent ON true
        WHERE chain.parent_id IS NOT NULL
    ), judged AS (
        SELECT chain.entry, bool_or(
            chain.revoked_at IS NOT NULL OR (chain.family_id IS NOT NULL AND (
                SELECT family.revoked_at IS NULL FROM exchange_tokenfamily AS family WHERE family.id = chain.family_id
            ) IS NOT TRUE)
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

STANDS = """
CREATE OR REPLACE FUNCTION exchange_stands(p_token uuid) RETURNS boolean LANGUAGE sql STABLE
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
    -- neither the token nor an ancestor nor a family of theirs is revoked or gone
    WITH RECURSIVE chain AS (
        SELECT id, parent_id, family_id, revoked_at FROM exchange_issuedtoken WHERE id = p_token
        UNION ALL
        SELECT parent.id, parent.parent_id, parent.family_id, parent.revoked_at
        FROM chain LEFT JOIN LATERAL (
            SELECT id, parent_id, family_id, revoked_at FROM exchange_issuedtoken WHERE id = chain.parent_id OFFSET 0
        ) AS parent ON true
        WHERE chain.parent_id IS NOT NULL
    )
    SELECT coalesce(bool_and(chain.id IS NOT NULL AND chain.revoked_at IS NULL AND (
        SELECT family.revoked_at IS NULL FROM exchange_tokenfamily AS family WHERE family.id = chain.family_id
    ) IS TRUE), false) FROM chain
$$
"""

_record = import_module("exchange.migrations.0014_record_in_statements").RECORD
_SECOND_USE = """NOT EXISTS (
                SELECT FROM exchange_spentjti AS spent
                WHERE spent.purpose = b_purpose[i] AND spent.issuer = b_issuer[i] AND spent.jti = b_jti[i]
                AND spent.xmin = pg_current_xact_id()::xid
            )"""
_LOOKED_UP = """(
                SELECT spent.xmin = pg_current_xact_id()::xid FROM exchange_spentjti AS spent
                WHERE spent.purpose = b_purpose[i] AND spent.issuer = b_issuer[i] AND spent.jti = b_jti[i]
            ) IS NOT TRUE"""
RECORD = _record.replace(_SECOND_USE, _LOOKED_UP) + "; ALTER FUNCTION exchange_record SET enable_seqscan = off"
PREVIOUS_RECORD = _record + "; ALTER FUNCTION exchange_record RESET enable_seqscan"

REFERENCED = "ALTER FUNCTION exchange_referenced SET enable_seqscan = off"

_standing = import_module("exchange.migrations.0003_standing").FUNCTION
_stands = import_module("exchange.migrations.0004_rests_on").STANDS
PREVIOUS_STANDING = _standing.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
PREVIOUS_STANDS = (
    _stands.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)
    + "; ALTER FUNCTION exchange_stands SET plan_cache_mode = auto"
)


class Migration(migrations.Migration):
    """In place of the forms of 0003, 0004, 0005 and 0014."""

    dependencies = [("exchange", "0014_record_in_statements")]
    operations = [
        migrations.RunSQL(RECORD, PREVIOUS_RECORD),
        migrations.RunSQL(STANDING, PREVIOUS_STANDING),
        migrations.RunSQL(STANDS, PREVIOUS_STANDS),
        migrations.RunSQL(REFERENCED, "ALTER FUNCTION exchange_referenced RESET enable_seqscan"),
    ]
