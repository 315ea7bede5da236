"""Client certificates, and which clients are held to bound tokens (RFC 8705, RFC 9449)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0005_partner_by_name"),
    ]

    operations = [
        migrations.AddField(
            model_name="client",
            name="certificate_name",
            field=models.CharField(blank=True, max_length=512),
        ),
        migrations.AddField(
            model_name="client",
            name="certificate_name_kind",
            field=models.CharField(blank=True, max_length=10),
        ),
        migrations.AddField(
            model_name="client",
            name="dpop_bound_access_tokens",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="client",
            name="requires_dpop_nonce",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="client",
            name="tls_client_certificate_bound_access_tokens",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="client",
            name="trust_anchors",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="partner",
            name="trust_anchors",
            field=models.TextField(blank=True, help_text="PEM; its clients' certificates chain to these."),
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("certificate_name", ""), ("certificate_name_kind", "")),
                    models.Q(
                        ("certificate_name_kind__in", ["subject_dn", "san_dns", "san_uri", "san_ip", "san_email"]),
                        models.Q(("certificate_name", ""), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="client_certificate_is_named_once",
            ),
        ),
    ]
