"""Conditions, scopes and claims of mappings as expressions. A published version from before has none."""

import django.db.models.functions.comparison
import django.db.models.functions.text
import django.db.models.lookups
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0006_sender_constraint"),
    ]

    operations = [
        migrations.AddField(
            model_name="scopemapping",
            name="carries_login",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="scopemapping",
            name="claims",
            field=models.JSONField(blank=True, default=dict, help_text="Claims of the new token, each an expression."),
        ),
        migrations.AddField(
            model_name="scopemapping",
            name="condition",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddField(
            model_name="scopemapping",
            name="scopes_expression",
            field=models.TextField(blank=True, default=""),
        ),
        migrations.AddConstraint(
            model_name="scopemapping",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("condition"), 2048
                ),
                name="mapping_condition_is_at_most_2_kb",
            ),
        ),
        migrations.AddConstraint(
            model_name="scopemapping",
            constraint=models.CheckConstraint(
                condition=django.db.models.lookups.LessThanOrEqual(
                    django.db.models.functions.text.Length("scopes_expression"), 2048
                ),
                name="mapping_scopes_expression_is_at_most_2_kb",
            ),
        ),
        migrations.AddConstraint(
            model_name="scopemapping",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    django.db.models.lookups.Exact(
                        models.Func(models.F("claims"), function="jsonb_typeof", output_field=models.TextField()),
                        "object",
                    ),
                    django.db.models.lookups.LessThanOrEqual(
                        django.db.models.functions.text.Length(
                            django.db.models.functions.comparison.Cast("claims", models.TextField())
                        ),
                        65536,
                    ),
                ),
                name="mapping_claims_are_an_object_of_at_most_64_kb",
            ),
        ),
    ]
