"""The index that finds what was issued for one person: the subject as tokens name it, newest first."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("exchange", "0008_golden_tokens")]
    operations = [
        migrations.AddIndex("tokenfamily", models.Index(fields=["subject", "-id"], name="family_by_subject")),
    ]
