"""The index of what people changed, of all partners: the newest of it is on the first page that is opened."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0005_counted_spans'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='event',
            index=models.Index(condition=models.Q(('kind__in', ('exchange.granted', 'exchange.refused', 'client.authentication_failed', 'client.failures_counted', 'client.guessing_noticed', 'token.introspected', 'token.revoked', 'device.requested', 'device.polled', 'device.allowed', 'device.refused')), _negated=True), fields=['-id'], name='event_changes'),
        ),
    ]
