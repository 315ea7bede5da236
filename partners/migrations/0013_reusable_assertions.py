"""Trusts whose assertions may come again."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("partners", "0012_token_format")]

    operations = [
        migrations.AddField(
            model_name="federationtrust",
            name="reusable_assertions",
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name="federationtrust",
            constraint=models.CheckConstraint(
                condition=Q(one_time=False) | Q(reusable_assertions=False), name="trust_assertions_come_again_or_not"
            ),
        ),
    ]
