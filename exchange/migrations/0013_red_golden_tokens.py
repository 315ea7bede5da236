"""The golden tokens that came to another end, newest first: there should be few."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0012_looks_by_hand"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="goldentoken",
            index=models.Index(condition=models.Q(("is_green", False)), fields=["-id"], name="golden_red"),
        ),
    ]
