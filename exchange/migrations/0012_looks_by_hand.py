"""When a person asked last for a look at an issuer (RFC 8414 section 3)."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0011_plans_of_the_ledger"),
    ]

    operations = [
        migrations.AddField(
            model_name="trustwatch",
            name="asked_at",
            field=models.DateTimeField(help_text="The last look that a person asked for.", null=True),
        ),
    ]
