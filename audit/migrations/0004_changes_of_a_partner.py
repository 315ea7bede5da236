"""The index of a partner's history: its changes without its exchanges, which it would drown in."""

from django.db import migrations, models
from django.db.models import Q

NO_CHANGES = (
    "exchange.granted",
    "exchange.refused",
    "client.authentication_failed",
    "client.failures_counted",
    "client.guessing_noticed",
    "token.introspected",
    "token.revoked",
    "device.requested",
    "device.polled",
    "device.allowed",
    "device.refused",
)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_canonical_as_it_is")]

    operations = [
        migrations.AddIndex(
            "event",
            models.Index(
                fields=["partner_id", "-id"], name="event_changes_by_partner", condition=~Q(kind__in=NO_CHANGES)
            ),
        ),
    ]
