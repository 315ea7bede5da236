"""What ends is found by index: secrets, contracts, reviews, and who registered authorities."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("partners", "0014_test_targets"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="client",
            index=models.Index(
                condition=models.Q(("trust_anchors", ""), _negated=True), fields=["id"], name="client_with_anchors"
            ),
        ),
        migrations.AddIndex(
            model_name="clientsecret",
            index=models.Index(
                condition=models.Q(("expires_at", None), _negated=True),
                fields=["expires_at", "id"],
                name="client_secret_by_end",
            ),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=models.Index(fields=["contract_ends_on", "id"], name="partner_by_contract_end"),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=models.Index(fields=["review_due_on", "id"], name="partner_by_review"),
        ),
        migrations.AddIndex(
            model_name="partner",
            index=models.Index(
                condition=models.Q(("trust_anchors", ""), _negated=True), fields=["id"], name="partner_with_anchors"
            ),
        ),
    ]
