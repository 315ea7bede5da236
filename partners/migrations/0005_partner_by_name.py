"""The order of the list of partners."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("partners", "0004_key_source_claims")]

    operations = [
        migrations.AddIndex("partner", models.Index(Lower("name"), "slug", name="partner_by_name")),
    ]
