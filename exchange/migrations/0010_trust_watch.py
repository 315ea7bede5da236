"""What is watched of a trust, and the alerts about partners (RFC 8414 section 3, RFC 7517 section 5)."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0009_family_by_subject"),
        ("partners", "0015_ends_by_index"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrustWatch",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("next_at", models.DateTimeField(db_index=True)),
                ("seen_at", models.DateTimeField(help_text="The last look that brought a whole picture.", null=True)),
                ("failing_since", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=300)),
                (
                    "location",
                    models.CharField(blank=True, help_text="What was looked at.", max_length=512),
                ),
                ("jwks_uri", models.CharField(blank=True, max_length=512)),
                ("token_endpoint", models.CharField(blank=True, max_length=512)),
                (
                    "advertised",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=40), default=list, size=None
                    ),
                ),
                ("certificate_ends_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "trust",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="partners.federationtrust"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Alert",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("kind", models.CharField(max_length=30)),
                ("subject", models.CharField(blank=True, max_length=512)),
                ("detail", models.JSONField(default=dict)),
                ("raised_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                ("acknowledged_at", models.DateTimeField(null=True)),
                ("acknowledged_by", models.CharField(blank=True, max_length=254)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="partners.partner"
                    ),
                ),
                (
                    "trust",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="partners.federationtrust",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["partner", "-id"], name="alert_by_partner"),
                    models.Index(
                        condition=models.Q(("acknowledged_at", None), ("ended_at", None)),
                        fields=["-id"],
                        name="alert_that_is_new",
                    ),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", False)), fields=["ended_at"], name="alert_by_end"
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at", None)),
                        fields=("partner", "trust", "kind", "subject"),
                        name="alert_is_open_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SeenKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("thumbprint", models.CharField(max_length=64)),
                ("kid", models.CharField(blank=True, max_length=255)),
                ("kind", models.CharField(max_length=40)),
                ("strength", models.PositiveSmallIntegerField(help_text="Bits of security (NIST SP 800-57, table 2).")),
                ("first_seen_at", models.DateTimeField()),
                ("last_seen_at", models.DateTimeField()),
                ("gone_at", models.DateTimeField(null=True)),
                (
                    "watch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="keys", to="exchange.trustwatch"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("watch", "thumbprint"), name="seen_key_is_one_of_its_watch")
                ],
            },
        ),
        migrations.CreateModel(
            name="Looked",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("is_whole", models.BooleanField()),
                ("detail", models.CharField(blank=True, max_length=300)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("count", models.PositiveIntegerField(default=1)),
                (
                    "watch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="looks", to="exchange.trustwatch"
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["watch", "-last_at"], name="looked_by_watch"),
                    models.Index(fields=["last_at"], name="looked_by_age"),
                ],
            },
        ),
    ]
