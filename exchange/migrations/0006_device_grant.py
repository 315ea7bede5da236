"""Devices without a browser: what they wait for, with digests of their codes (RFC 8628)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("exchange", "0005_references"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceGrant",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("device_code", models.CharField(max_length=100, verbose_name="device code")),
                ("user_code", models.CharField(max_length=100, verbose_name="user code")),
                ("scope", models.TextField(blank=True, verbose_name="scope")),
                ("interval", models.IntegerField(default=5, verbose_name="interval")),
                ("expires", models.DateTimeField(verbose_name="expires")),
                (
                    "status",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("authorized", "Authorized"),
                            ("authorization-pending", "Authorization pending"),
                            ("expired", "Expired"),
                            ("denied", "Denied"),
                        ],
                        default="authorization-pending",
                        max_length=64,
                        verbose_name="status",
                    ),
                ),
                ("client_id", models.CharField(db_index=True, max_length=100, verbose_name="client ID")),
                ("last_checked", models.DateTimeField(blank=True, null=True)),
                (
                    "address",
                    models.CharField(
                        help_text="Where the device asked from, shown to whoever is to allow it.", max_length=64
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="%(app_label)s_%(class)s",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "abstract": False,
                "indexes": [models.Index(fields=["expires"], name="device_grant_by_end")],
                "constraints": [
                    models.UniqueConstraint(fields=("device_code",), name="exchange_devicegrant_unique_device_code"),
                    models.UniqueConstraint(fields=("user_code",), name="device_grant_by_user_code"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "authorized"), _negated=True), ("user__isnull", False), _connector="OR"
                        ),
                        name="device_grant_is_allowed_by_somebody",
                    ),
                ],
            },
        ),
    ]
