"""How exchanges ended, hour by hour: the day of the first page is then read from counts.

Hours that were counted before are counted again, with their outcomes; until then they are read from the trail.
"""

from django.db import migrations, models

FORGET_HOURS = """
    DELETE FROM audit_useofspan WHERE hours = 1;
    DELETE FROM audit_countedspan WHERE hours = 1;
"""


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0006_changes_by_time'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutcomeOfHour',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField()),
                ('partner_id', models.UUIDField(blank=True, null=True)),
                ('kind', models.CharField(max_length=40)),
                ('reason', models.CharField(blank=True, max_length=60)),
                ('count', models.PositiveIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['start'], name='outcome_by_hour'), models.Index(fields=['partner_id', 'start'], name='outcome_by_partner')],
            },
        ),
        migrations.RunSQL(FORGET_HOURS, migrations.RunSQL.noop),
    ]
