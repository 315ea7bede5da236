"""Of a draft's last back-test also the exchanges that would end in another way, and how far it went."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0009_one_human")]

    operations = [
        migrations.AddField("backtest", "is_whole", models.BooleanField(db_default=True, default=True)),
        migrations.AddField("backtest", "left_out", models.PositiveIntegerField(db_default=0, default=0)),
        migrations.CreateModel(
            name="BackTestDifference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "back_test_id", "event_id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("event_id", models.UUIDField()),
                ("client", models.CharField(blank=True, max_length=255)),
                ("effect", models.CharField(max_length=12)),
                ("before", models.TextField()),
                ("after", models.TextField()),
                (
                    "back_test",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="differences",
                        to="portal.backtest",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["back_test", "effect", "-event_id"], name="back_test_difference_by_effect")
                ],
            },
        ),
    ]
