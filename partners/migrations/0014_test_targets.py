"""Targets behind which nothing real is, for partners that try their exchanges before they are activated."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0013_reusable_assertions")]

    operations = [
        migrations.AddField(
            model_name="target",
            name="is_test",
            field=models.BooleanField(default=False, help_text="Nothing real is behind it."),
        ),
    ]
