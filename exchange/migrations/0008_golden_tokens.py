"""Golden tokens: what was tried once and must come to the same end (RFC 8693 section 2.1)."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0007_record_by_subscript"),
        ("partners", "0014_test_targets"),
    ]

    operations = [
        migrations.CreateModel(
            name="GoldenToken",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("question", models.JSONField()),
                ("expected", models.JSONField()),
                ("found", models.JSONField()),
                ("is_green", models.BooleanField(default=True)),
                ("author", models.CharField(max_length=254)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("checked_at", models.DateTimeField()),
                ("checked_epoch", models.BigIntegerField(help_text="The configuration it was last tried under.")),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="golden_tokens", to="partners.partner"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["partner", "-id"], name="golden_by_partner")],
                "constraints": [
                    models.UniqueConstraint(fields=("partner", "name"), name="golden_is_named_once_per_partner")
                ],
            },
        ),
    ]
