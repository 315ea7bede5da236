"""Reminders: letters, and what each of them says, once."""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("portal", "0004_people"),
    ]

    operations = [
        migrations.CreateModel(
            name="ReminderLetter",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.EmailField(max_length=254)),
                ("audience", models.CharField(choices=[("contact", "Contact"), ("owner", "Owner")], max_length=8)),
                ("day", models.DateField()),
                ("next_try_at", models.DateTimeField(null=True)),
                ("claimed_at", models.DateTimeField(null=True)),
                ("sent_at", models.DateTimeField(null=True)),
                ("failures", models.PositiveSmallIntegerField(default=0)),
                ("last_error", models.CharField(blank=True, max_length=200)),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("claimed_at", None), ("next_try_at__isnull", False)),
                        fields=["next_try_at", "id"],
                        name="reminder_letter_by_next_try",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("day", "email", "audience"), name="reminder_letter_is_one_a_day"),
                    models.CheckConstraint(
                        condition=models.Q(("audience__in", ["contact", "owner"])),
                        name="reminder_letter_audience_is_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reminder",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("thing", models.CharField(max_length=60)),
                ("kind", models.CharField(max_length=10)),
                ("threshold", models.PositiveSmallIntegerField()),
                ("ends_on", models.DateField()),
                ("ends_at", models.DateTimeField()),
                ("email", models.EmailField(max_length=254)),
                ("audience", models.CharField(max_length=8)),
                ("partner_id", models.UUIDField()),
                ("partner_slug", models.CharField(max_length=63)),
                ("partner_name", models.CharField(max_length=120)),
                ("subject", models.CharField(blank=True, max_length=512)),
                (
                    "letter",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reminders",
                        to="portal.reminderletter",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("thing", "ends_on", "threshold", "email", "audience"),
                        name="reminder_is_one_of_its_threshold",
                    )
                ],
            },
        ),
    ]
