"""Clients that their own platform vouches for, and keys of clients that belong to no partner."""

from datetime import timedelta

import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0008_request_limits"),
    ]

    operations = [
        migrations.AlterField(
            model_name="keysource",
            name="partner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="key_sources",
                to="partners.partner",
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="workload_issuer",
            field=models.CharField(blank=True, max_length=512),
        ),
        migrations.AddField(
            model_name="client",
            name="workload_audiences",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=255), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="workload_algorithms",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=10), blank=True, default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="client",
            name="workload_rules",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="client",
            name="workload_lifetime",
            field=models.DurationField(default=timedelta(minutes=15)),
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("workload_issuer", ""), models.Q(("workload_rules", []), _negated=True), _connector="OR"
                ),
                name="client_workload_has_rules",
            ),
        ),
        migrations.AddConstraint(
            model_name="client",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("workload_lifetime__gte", timedelta(seconds=1)), ("workload_lifetime__lte", timedelta(hours=1))
                ),
                name="client_workload_lifetime_is_at_most_1_h",
            ),
        ),
    ]
