"""Tokens that are references: found by the digest of their text, with what a JWT would say beside it."""

from django.db import migrations, models
from django.db.models import Q

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
        migrations.RunSQL(REFERENCED, "DROP FUNCTION exchange_referenced"),
    ]
