"""The list of a partner's people comes out of one index, in its order."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0015_ends_by_index"),
        ("portal", "0011_domain_proof"),
    ]

    operations = [
        migrations.AlterField(
            model_name="partneradmin",
            name="partner",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="partners.partner"
            ),
        ),
        migrations.AddIndex(
            model_name="partneradmin",
            index=models.Index(fields=["partner", "-user"], name="partneradmin_by_partner"),
        ),
    ]
