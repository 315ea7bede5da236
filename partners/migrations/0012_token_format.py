"""Targets whose tokens are references, which say nothing by themselves."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("partners", "0011_introspection")]

    operations = [
        migrations.AddField(
            model_name="target",
            name="token_format",
            field=models.CharField(choices=[("jwt", "Jwt"), ("reference", "Reference")], default="jwt", max_length=10),
        ),
        migrations.AddConstraint(
            model_name="target",
            constraint=models.CheckConstraint(
                condition=Q(token_format__in=["jwt", "reference"]), name="target_token_format_is_known"
            ),
        ),
    ]
