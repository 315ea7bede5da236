"""Issuers that are asked about their opaque tokens."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("partners", "0010_mapping_source")]

    operations = [
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_endpoint",
            field=models.CharField(blank=True, max_length=512),
        ),
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_client_id",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_allows_missing_audience",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_kek_id",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_nonce",
            field=models.BinaryField(default=b"", max_length=12),
        ),
        migrations.AddField(
            model_name="federationtrust",
            name="introspection_ciphertext",
            field=models.BinaryField(default=b""),
        ),
    ]
