"""Tokens that are references: found by the digest of their text, with what a JWT would say beside it."""

from importlib import import_module

from django.db import migrations, models
from django.db.models import Q

PREVIOUS = import_module("exchange.migrations.0004_rests_on").RECORD

RECORD = """
CREATE FUNCTION exchange_record(
    p_epoch bigint,
    -- one value per answer, joined by U+001F
    p_event text, p_kind text, p_outcome text, p_reason text, p_partner text, p_client text, p_target text,
    p_actor text, p_correlation text, p_canonical text, p_mac text, p_kek text,
    p_token text, p_family text, p_client_pk text, p_kid text, p_subject text, p_audience text, p_scope text,
    p_issued text, p_expires text, p_root_issuer text, p_root_token text, p_depth text, p_parent text,
    p_digest text, p_claims text,
    -- one value per identifier to spend, sorted by its key
    s_entry text, s_purpose text, s_issuer text, s_jti text, s_expires text,
    -- one value per token of ours that an answer rests on
    r_entry text, r_token text
) RETURNS text LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    v_epoch bigint;
    v_result text;
    v_revoked bigint[] := '{}';
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4242);
    -- its own statement: under READ COMMITTED its snapshot is taken after the lock was granted
    SELECT epoch INTO v_epoch FROM partners_registry WHERE id = 1;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        RETURN 'E' || v_epoch;
    END IF;

    IF r_token <> '' THEN
        SELECT coalesce(array_agg(rest.entry), '{}') INTO v_revoked FROM unnest(
            string_to_array(r_entry, chr(31))::bigint[], string_to_array(r_token, chr(31))::uuid[]
        ) AS rest(entry, token) WHERE NOT exchange_stands(rest.token);
    END IF;

    WITH answer AS MATERIALIZED (
        SELECT * FROM unnest(
            string_to_array(p_event, chr(31))::uuid[], string_to_array(p_kind, chr(31)),
            string_to_array(p_outcome, chr(31)), string_to_array(p_reason, chr(31)),
            string_to_array(p_partner, chr(31), '')::uuid[], string_to_array(p_client, chr(31)),
            string_to_array(p_target, chr(31)), string_to_array(p_actor, chr(31)),
            string_to_array(p_correlation, chr(31))::uuid[], string_to_array(p_canonical, chr(31)),
            string_to_array(p_mac, chr(31)), string_to_array(p_kek, chr(31)),
            string_to_array(p_token, chr(31), '')::uuid[], string_to_array(p_family, chr(31), '')::uuid[],
            string_to_array(p_client_pk, chr(31), '')::uuid[], string_to_array(p_kid, chr(31)),
            string_to_array(p_subject, chr(31)), string_to_array(p_audience, chr(31)),
            string_to_array(p_scope, chr(31)), string_to_array(p_issued, chr(31), '')::bigint[],
            string_to_array(p_expires, chr(31), '')::bigint[], string_to_array(p_root_issuer, chr(31)),
            string_to_array(p_root_token, chr(31)), string_to_array(p_depth, chr(31), '')::smallint[],
            string_to_array(p_parent, chr(31), '')::uuid[],
            string_to_array(p_digest, chr(31), ''), string_to_array(p_claims, chr(31), '')
        ) WITH ORDINALITY AS t(
            event, kind, outcome, reason, partner, client, target, actor, correlation, canonical, mac, kek,
            token, family, client_pk, kid, subject, audience, scope, issued, expires, root_issuer, root_token, depth,
            parent, digest, claims, entry)
    ), spend AS MATERIALIZED (
        SELECT * FROM unnest(
            string_to_array(s_entry, chr(31))::bigint[], string_to_array(s_purpose, chr(31)),
            string_to_array(s_issuer, chr(31)), string_to_array(s_jti, chr(31)),
            string_to_array(s_expires, chr(31))::double precision[]
        ) AS t(entry, purpose, issuer, jti, expires)
    ), spent AS (
        INSERT INTO exchange_spentjti (purpose, issuer, jti, expires_at)
        SELECT purpose, issuer, jti, to_timestamp(expires) FROM spend WHERE entry <> ALL (v_revoked)
        ON CONFLICT DO NOTHING
        RETURNING purpose, issuer, jti
    ), judged AS MATERIALIZED (
        SELECT answer.*, CASE WHEN answer.entry = ANY (v_revoked) THEN 'revoked' ELSE (
            SELECT min(spend.purpose) FROM spend LEFT JOIN spent USING (purpose, issuer, jti)
            WHERE spend.entry = answer.entry AND spent.purpose IS NULL
        ) END AS refused
        FROM answer
    ), family AS (
        INSERT INTO exchange_tokenfamily
            (id, partner_id, root_issuer, root_token_id, subject, created_at, expires_at, revoked_at, revoked_reason)
        SELECT family, partner, root_issuer, root_token, subject, to_timestamp(issued), to_timestamp(expires), NULL, ''
        FROM judged WHERE refused IS NULL AND token IS NOT NULL AND parent IS NULL
    ), token AS (
        INSERT INTO exchange_issuedtoken
            (id, family_id, parent_id, event_id, depth, client_id, partner_id, kid, subject, audience, scope,
             issued_at, expires_at, digest, claims)
        SELECT token, family, parent, event, depth, client_pk, partner, coalesce(kid, ''), subject, string_to_array(audience, ' '),
            coalesce(scope, ''), to_timestamp(issued), to_timestamp(expires), digest, claims
        FROM judged WHERE refused IS NULL AND token IS NOT NULL
    ), event AS (
        INSERT INTO audit_event
            (id, kind, outcome, reason, partner_id, client, target, actor, correlation_id, canonical, mac, kek_id,
             schema_version)
        SELECT event, kind, coalesce(outcome, ''), coalesce(reason, ''), partner, coalesce(client, ''), coalesce(target, ''), actor,
            correlation, canonical, decode(mac, 'hex'), kek, 1
        FROM judged WHERE refused IS NULL
    ), pending AS (
        INSERT INTO audit_pending (event_id) SELECT event FROM judged WHERE refused IS NULL
    )
    SELECT string_agg(coalesce(refused, ''), ',' ORDER BY entry) INTO v_result FROM judged;
    RETURN 'R' || v_result;
END
$$
"""

REFERENCED = """
CREATE FUNCTION exchange_referenced(p_digests text) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT '[' || string_agg(coalesce(
        (SELECT token.claims FROM exchange_issuedtoken AS token WHERE token.digest = asked.digest), 'null'
    ), ',' ORDER BY asked.entry) || ']'
    FROM unnest(string_to_array(p_digests, chr(31))) WITH ORDINALITY AS asked(digest, entry)
$$
"""


class Migration(migrations.Migration):
    """The claims of each digest that is asked about, or null, in order."""

    dependencies = [("exchange", "0004_rests_on")]
    operations = [
        migrations.AddField("issuedtoken", "digest", models.CharField(blank=True, max_length=64, null=True)),
        migrations.AddField("issuedtoken", "claims", models.TextField(blank=True, null=True)),
        migrations.AddConstraint(
            "issuedtoken",
            models.CheckConstraint(
                condition=Q(claims=None) | Q(digest__isnull=False), name="issued_token_with_claims_has_a_digest"
            ),
        ),
        migrations.AddConstraint(
            "issuedtoken",
            models.UniqueConstraint(
                condition=Q(digest__isnull=False), fields=["digest"], name="issued_token_by_digest"
            ),
        ),
        migrations.RunSQL("DROP FUNCTION exchange_record", PREVIOUS),
        migrations.RunSQL(RECORD, "DROP FUNCTION exchange_record"),
        migrations.RunSQL(REFERENCED, "DROP FUNCTION exchange_referenced"),
    ]
