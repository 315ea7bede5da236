"""What a mapping is made from: a trust, a token of ours, or the client itself; and mappings of our own clients."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('partners', '0009_workload_clients'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='scopemapping',
            name='mapping_version_is_unique',
        ),
        migrations.RemoveConstraint(
            model_name='scopemapping',
            name='mapping_has_one_published_version',
        ),
        migrations.AddField(
            model_name='scopemapping',
            name='source',
            field=models.CharField(choices=[('trust', 'Trust'), ('own_token', 'Own Token'), ('client', 'Client')], default='trust', max_length=10),
        ),
        migrations.AlterField(
            model_name='scopemapping',
            name='partner',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='partners.partner'),
        ),
        migrations.AlterField(
            model_name='scopemapping',
            name='trust',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='mappings', to='partners.federationtrust'),
        ),
        migrations.AddConstraint(
            model_name='scopemapping',
            constraint=models.UniqueConstraint(fields=('partner', 'name', 'version'), name='mapping_version_is_unique', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='scopemapping',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'published')), fields=('partner', 'name'), name='mapping_has_one_published_version', nulls_distinct=False),
        ),
        migrations.AddConstraint(
            model_name='scopemapping',
            constraint=models.CheckConstraint(condition=models.Q(('source__in', ['trust', 'own_token', 'client'])), name='mapping_source_is_known'),
        ),
        migrations.AddConstraint(
            model_name='scopemapping',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('partner__isnull', False), ('source', 'trust'), ('trust__isnull', False)), models.Q(models.Q(('source', 'trust'), _negated=True), ('trust__isnull', True)), _connector='OR'), name='mapping_has_a_trust_where_that_is_its_source'),
        ),
    ]
