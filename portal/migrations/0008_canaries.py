"""Canaries of partners, and whose turn is when."""

import django.contrib.postgres.fields
import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0015_ends_by_index"),
        ("portal", "0007_shadows"),
    ]

    operations = [
        migrations.CreateModel(
            name="CanaryTurn",
            fields=[
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="partners.partner",
                    ),
                ),
                ("next_at", models.DateTimeField(db_index=True)),
                ("checked_epoch", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="Canary",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("client", models.CharField(max_length=255)),
                ("target", models.CharField(max_length=1024)),
                ("reference", models.UUIDField(help_text="The audit event of the exchange.")),
                ("granted_at", models.DateTimeField()),
                (
                    "expected",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=128), default=list, size=None
                    ),
                ),
                ("found", models.JSONField(default=dict)),
                ("is_green", models.BooleanField(null=True)),
                ("checked_at", models.DateTimeField(null=True)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("partner", "client", "target"), name="canary_is_one_of_client_and_target"
                    )
                ],
            },
        ),
    ]
