"""Indexes that lead the filters of the list of exchanges. Measured cost for the writer: within the noise of a batch."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        migrations.AddIndex("event", models.Index(fields=["client", "-id"], name="event_by_client")),
        migrations.AddIndex("event", models.Index(fields=["target", "-id"], name="event_by_target")),
        migrations.AddIndex(
            "event", models.Index(fields=["reason", "-id"], name="event_by_reason", condition=~models.Q(reason=""))
        ),
    ]
