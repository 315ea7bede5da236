"""The ledger's batch as it is now: ancestors, references, and its columns read by subscript.

That is half the cost of taking small batches apart.
"""

from importlib import import_module

from django.db import migrations

PREVIOUS = import_module("exchange.migrations.0003_standing").WITHOUT_OUTCOME

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
    -- subscripts cost less than unnesting: every array of an unnest is copied into a store of its own
    a_event uuid[] := string_to_array(p_event, chr(31))::uuid[];
    a_kind text[] := string_to_array(p_kind, chr(31));
    a_outcome text[] := string_to_array(p_outcome, chr(31));
    a_reason text[] := string_to_array(p_reason, chr(31));
    a_partner uuid[] := string_to_array(p_partner, chr(31), '')::uuid[];
    a_client text[] := string_to_array(p_client, chr(31));
    a_target text[] := string_to_array(p_target, chr(31));
    a_actor text[] := string_to_array(p_actor, chr(31));
    a_correlation uuid[] := string_to_array(p_correlation, chr(31))::uuid[];
    a_canonical text[] := string_to_array(p_canonical, chr(31));
    a_mac text[] := string_to_array(p_mac, chr(31));
    a_kek text[] := string_to_array(p_kek, chr(31));
    a_token uuid[] := string_to_array(p_token, chr(31), '')::uuid[];
    a_family uuid[] := string_to_array(p_family, chr(31), '')::uuid[];
    a_client_pk uuid[] := string_to_array(p_client_pk, chr(31), '')::uuid[];
    a_kid text[] := string_to_array(p_kid, chr(31));
    a_subject text[] := string_to_array(p_subject, chr(31));
    a_audience text[] := string_to_array(p_audience, chr(31));
    a_scope text[] := string_to_array(p_scope, chr(31));
    a_issued bigint[] := string_to_array(p_issued, chr(31), '')::bigint[];
    a_expires bigint[] := string_to_array(p_expires, chr(31), '')::bigint[];
    a_root_issuer text[] := string_to_array(p_root_issuer, chr(31));
    a_root_token text[] := string_to_array(p_root_token, chr(31));
    a_depth smallint[] := string_to_array(p_depth, chr(31), '')::smallint[];
    a_parent uuid[] := string_to_array(p_parent, chr(31), '')::uuid[];
    a_digest text[] := string_to_array(p_digest, chr(31), '');
    a_claims text[] := string_to_array(p_claims, chr(31), '');
    b_entry bigint[] := string_to_array(s_entry, chr(31))::bigint[];
    b_purpose text[] := string_to_array(s_purpose, chr(31));
    b_issuer text[] := string_to_array(s_issuer, chr(31));
    b_jti text[] := string_to_array(s_jti, chr(31));
    b_expires double precision[] := string_to_array(s_expires, chr(31))::double precision[];
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
        SELECT
            a_event[entry] AS event, a_kind[entry] AS kind, a_outcome[entry] AS outcome, a_reason[entry] AS reason,
            a_partner[entry] AS partner, a_client[entry] AS client, a_target[entry] AS target,
            a_actor[entry] AS actor, a_correlation[entry] AS correlation, a_canonical[entry] AS canonical,
            a_mac[entry] AS mac, a_kek[entry] AS kek, a_token[entry] AS token, a_family[entry] AS family,
            a_client_pk[entry] AS client_pk, a_kid[entry] AS kid, a_subject[entry] AS subject,
            a_audience[entry] AS audience, a_scope[entry] AS scope, a_issued[entry] AS issued,
            a_expires[entry] AS expires, a_root_issuer[entry] AS root_issuer, a_root_token[entry] AS root_token,
            a_depth[entry] AS depth, a_parent[entry] AS parent, a_digest[entry] AS digest, a_claims[entry] AS claims,
            entry
        FROM generate_series(1, cardinality(a_event)) AS entry
    ), spend AS MATERIALIZED (
        SELECT
            b_entry[i] AS entry, b_purpose[i] AS purpose, b_issuer[i] AS issuer, b_jti[i] AS jti,
            b_expires[i] AS expires
        FROM generate_series(1, cardinality(b_entry)) AS i
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
        SELECT token, family, parent, event, depth, client_pk, partner, coalesce(kid, ''), subject,
            string_to_array(audience, ' '),
            coalesce(scope, ''), to_timestamp(issued), to_timestamp(expires), digest, claims
        FROM judged WHERE refused IS NULL AND token IS NOT NULL
    ), event AS (
        INSERT INTO audit_event
            (id, kind, outcome, reason, partner_id, client, target, actor, correlation_id, canonical, mac, kek_id,
             schema_version)
        SELECT event, kind, coalesce(outcome, ''), coalesce(reason, ''), partner, coalesce(client, ''),
            coalesce(target, ''), actor, correlation, canonical, decode(mac, 'hex'), kek, 1
        FROM judged WHERE refused IS NULL
    ), pending AS (
        INSERT INTO audit_pending (event_id) SELECT event FROM judged WHERE refused IS NULL
    )
    SELECT string_agg(coalesce(refused, ''), ',' ORDER BY entry) INTO v_result FROM judged;
    RETURN 'R' || v_result;
END
$$
"""


class Migration(migrations.Migration):
    """In place of the first form of the function (0002, 0003)."""

    dependencies = [("exchange", "0006_device_grant")]
    operations = [
        migrations.RunSQL("DROP FUNCTION exchange_record", PREVIOUS),
        migrations.RunSQL(RECORD, "DROP FUNCTION exchange_record"),
    ]
