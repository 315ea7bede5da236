"""When a key source was fetched and by whose turn, and what waits there for confirmation."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0003_registry_row_and_kept_versions"),
    ]

    operations = [
        migrations.AddField(
            model_name="keysource",
            name="claimed_at",
            field=models.DateTimeField(blank=True, help_text="When the last fetch began, in any process.", null=True),
        ),
        migrations.AddField(
            model_name="keysource",
            name="answered_at",
            field=models.DateTimeField(blank=True, help_text="When the last fetch ended, well or not.", null=True),
        ),
        migrations.AddField(
            model_name="keysource",
            name="left_out",
            field=models.JSONField(blank=True, default=list, help_text="Published keys that were not taken, and why."),
        ),
        migrations.AddField(
            model_name="keysource",
            name="pending_jwks",
            field=models.JSONField(blank=True, default=dict, help_text="A key set that waits for confirmation."),
        ),
        migrations.AddField(
            model_name="keysource",
            name="pending_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="keysource",
            name="pending_jwks_uri",
            field=models.CharField(blank=True, help_text="Another address that waits likewise.", max_length=512),
        ),
    ]
