"""The portal's roles as groups, so that a directory or an administrator can put people into them."""

from django.db import migrations

ROLES = ("Security admin", "Partner manager", "Approver", "Engineer", "Auditor", "Partner's admin")


def create_roles(apps, schema_editor):
    group = apps.get_model("auth", "Group")
    for name in ROLES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [migrations.RunPython(create_roles, migrations.RunPython.noop)]
