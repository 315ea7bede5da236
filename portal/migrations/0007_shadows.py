"""Drafts of mappings in shadow beside what is in force, and the figures of their back-tests."""

import django.db.models.deletion
import django.utils.timezone
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0014_test_targets"),
        ("portal", "0006_partner_side"),
    ]

    operations = [
        migrations.CreateModel(
            name="BackTest",
            fields=[
                ("draft_id", models.UUIDField(primary_key=True, serialize=False)),
                ("draft_saved_at", models.DateTimeField()),
                ("author", models.CharField(max_length=254)),
                ("made_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("since", models.DateTimeField()),
                ("tried", models.PositiveIntegerField()),
                ("counts", models.JSONField()),
            ],
            options={"indexes": [models.Index(fields=["made_at"], name="back_test_by_age")]},
        ),
        migrations.CreateModel(
            name="Shadow",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=63)),
                ("version", models.PositiveIntegerField()),
                ("draft_id", models.UUIDField()),
                ("draft_saved_at", models.DateTimeField()),
                ("author", models.CharField(max_length=254)),
                ("started_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                ("ended_at", models.DateTimeField(null=True)),
                (
                    "end",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("stopped", "Stopped"),
                            ("over", "Over"),
                            ("published", "Published"),
                            ("dropped", "Dropped"),
                            ("rewritten", "Rewritten"),
                        ],
                        max_length=12,
                    ),
                ),
                ("reached", models.UUIDField()),
                ("last_event", models.UUIDField(null=True)),
                ("tried", models.PositiveBigIntegerField(default=0)),
                ("left_out", models.PositiveBigIntegerField(default=0)),
                ("counts", models.JSONField(default=dict)),
                (
                    "partner",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="partners.partner",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("ended_at__isnull", True)),
                        fields=("draft_id",),
                        name="shadow_runs_once_per_draft",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("started_at"))), name="shadow_ends_after_it_starts"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end", ""), ("ended_at__isnull", True)),
                            models.Q(("end", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="shadow_that_ended_says_why",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["partner", "name", "-id"], name="shadow_by_mapping"),
                    models.Index(
                        condition=models.Q(("ended_at__isnull", True)), fields=["reached"], name="shadow_running"
                    ),
                    models.Index(fields=["ended_at"], name="shadow_by_end"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ShadowDifference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "shadow_id", "event_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("client", models.CharField(blank=True, max_length=255)),
                ("effect", models.CharField(max_length=12)),
                ("before", models.TextField()),
                ("after", models.TextField()),
                (
                    "shadow",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="differences",
                        to="portal.shadow",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["shadow", "effect", "-event_id"], name="shadow_difference_by_effect")],
            },
        ),
    ]
