"""Several accounts of one human count as one person (the rule of the second person)."""

from __future__ import annotations

from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """A link from an account to the one that stands for its human."""

    dependencies: ClassVar = [("portal", "0008_canaries")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="user",
            name="person",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="accounts",
                to=settings.AUTH_USER_MODEL,
                help_text="The account that stands for the human whose account this is too; empty for that one itself.",
            ),
        ),
    ]
