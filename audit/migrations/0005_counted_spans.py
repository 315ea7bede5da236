"""What each day and each hour brought, counted when it is over: a month of use is read from some rows a day."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('audit', '0004_changes_of_a_partner'),
    ]

    operations = [
        migrations.CreateModel(
            name='CountedSpan',
            fields=[
                ('pk', models.CompositePrimaryKey('start', 'hours', blank=True, editable=False, primary_key=True, serialize=False)),
                ('start', models.DateTimeField()),
                ('hours', models.PositiveSmallIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name='UseOfSpan',
            fields=[
                ('pk', models.CompositePrimaryKey('partner_id', 'hours', 'start', 'target', blank=True, editable=False, primary_key=True, serialize=False)),
                ('start', models.DateTimeField()),
                ('hours', models.PositiveSmallIntegerField()),
                ('partner_id', models.UUIDField()),
                ('target', models.CharField(blank=True, max_length=1024)),
                ('granted', models.PositiveIntegerField()),
            ],
        ),
    ]
