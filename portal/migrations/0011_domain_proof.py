"""That partners speak for their domains."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0015_ends_by_index"),
        ("portal", "0010_back_test_differences"),
    ]

    operations = [
        migrations.CreateModel(
            name="DomainProof",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("domain", models.CharField(max_length=253)),
                ("address", models.CharField(max_length=320)),
                ("proved_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("proved_by", models.CharField(max_length=254)),
                (
                    "partner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("partner", "domain"), name="domain_is_proved_once_per_partner")
                ],
            },
        ),
    ]
