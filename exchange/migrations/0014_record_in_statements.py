"""The ledger's batch in statements of their own, each of which takes its columns where they stand.

One statement with everything in it laid every answer down twice, and looked for second uses answer by answer: a batch
cost the database a fifth more, and a large one more than that. Who was second is now asked only where an identifier was
not inserted.
"""

from importlib import import_module

from django.db import migrations

_record = import_module("exchange.migrations.0007_record_by_subscript").RECORD
_keep = import_module("exchange.migrations.0011_plans_of_the_ledger").KEEP
PREVIOUS = _record.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1) + ";" + _keep

RECORD = """
CREATE OR REPLACE FUNCTION exchange_record(
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
) RETURNS text LANGUAGE plpgsql VOLATILE
-- it inserts, and reads nothing whose size could make another plan better
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_epoch bigint;
    v_inserted bigint;
    v_second record;
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
    -- why an answer may not leave: 'revoked', or the purpose of what was spent before
    v_refused text[] := array_fill(NULL::text, ARRAY[cardinality(a_event)]);
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4242);
    -- its own statement: under READ COMMITTED its snapshot is taken after the lock was granted
    SELECT epoch INTO v_epoch FROM partners_registry WHERE id = 1;
    IF v_epoch IS DISTINCT FROM p_epoch THEN
        RETURN 'E' || v_epoch;
    END IF;

    IF r_token <> '' THEN
        FOR v_second IN
            SELECT rest.entry FROM unnest(
                string_to_array(r_entry, chr(31))::bigint[], string_to_array(r_token, chr(31))::uuid[]
            ) AS rest(entry, token) WHERE NOT exchange_stands(rest.token)
        LOOP
            v_refused[v_second.entry] := 'revoked';
        END LOOP;
    END IF;

    INSERT INTO exchange_spentjti (purpose, issuer, jti, expires_at)
    SELECT b_purpose[i], b_issuer[i], b_jti[i], to_timestamp(b_expires[i])
    FROM generate_subscripts(b_entry, 1) AS i WHERE v_refused[b_entry[i]] IS NULL
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS v_inserted = ROW_COUNT;

    IF v_inserted < cardinality(b_entry) THEN
        -- who inserted its identifier is known by the transaction: whatever is not of this one was there before
        FOR v_second IN
            SELECT b_entry[i] AS entry, min(b_purpose[i]) AS purpose FROM generate_subscripts(b_entry, 1) AS i
            WHERE v_refused[b_entry[i]] IS NULL AND NOT EXISTS (
                SELECT FROM exchange_spentjti AS spent
                WHERE spent.purpose = b_purpose[i] AND spent.issuer = b_issuer[i] AND spent.jti = b_jti[i]
                AND spent.xmin = pg_current_xact_id()::xid
            ) GROUP BY b_entry[i]
        LOOP
            v_refused[v_second.entry] := v_second.purpose;
        END LOOP;
    END IF;

    INSERT INTO exchange_tokenfamily
        (id, partner_id, root_issuer, root_token_id, subject, created_at, expires_at, revoked_at, revoked_reason)
    SELECT a_family[i], a_partner[i], a_root_issuer[i], a_root_token[i], a_subject[i], to_timestamp(a_issued[i]),
        to_timestamp(a_expires[i]), NULL, ''
    FROM generate_subscripts(a_event, 1) AS i
    WHERE v_refused[i] IS NULL AND a_token[i] IS NOT NULL AND a_parent[i] IS NULL;

    INSERT INTO exchange_issuedtoken
        (id, family_id, parent_id, event_id, depth, client_id, partner_id, kid, subject, audience, scope,
         issued_at, expires_at, digest, claims)
    SELECT a_token[i], a_family[i], a_parent[i], a_event[i], a_depth[i], a_client_pk[i], a_partner[i],
        coalesce(a_kid[i], ''), a_subject[i], string_to_array(a_audience[i], ' '), coalesce(a_scope[i], ''),
        to_timestamp(a_issued[i]), to_timestamp(a_expires[i]), a_digest[i], a_claims[i]
    FROM generate_subscripts(a_event, 1) AS i WHERE v_refused[i] IS NULL AND a_token[i] IS NOT NULL;

    INSERT INTO audit_event
        (id, kind, outcome, reason, partner_id, client, target, actor, correlation_id, canonical, mac, kek_id,
         schema_version)
    SELECT a_event[i], a_kind[i], coalesce(a_outcome[i], ''), coalesce(a_reason[i], ''), a_partner[i],
        coalesce(a_client[i], ''), coalesce(a_target[i], ''), a_actor[i], a_correlation[i], a_canonical[i],
        decode(a_mac[i], 'hex'), a_kek[i], 1
    FROM generate_subscripts(a_event, 1) AS i WHERE v_refused[i] IS NULL;

    INSERT INTO audit_pending (event_id)
    SELECT a_event[i] FROM generate_subscripts(a_event, 1) AS i WHERE v_refused[i] IS NULL;

    RETURN 'R' || array_to_string(v_refused, ',', '');
END
$$
"""


class Migration(migrations.Migration):
    """In place of the form of 0007."""

    dependencies = [("exchange", "0013_red_golden_tokens")]
    operations = [migrations.RunSQL(RECORD, PREVIOUS)]
