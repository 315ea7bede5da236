"""The ledger's statement keeps its plan: planned anew for every batch, as PostgreSQL would choose, it took a third longer.

It inserts, and reads nothing whose size could make another plan better. What it asks about tokens that an answer rests
on does: that question goes on being planned for the tables as they are.
"""

from django.db import migrations

KEEP = """
ALTER FUNCTION exchange_record SET plan_cache_mode = force_generic_plan;
ALTER FUNCTION exchange_stands SET plan_cache_mode = auto;
"""
RELEASE = """
ALTER FUNCTION exchange_record RESET plan_cache_mode;
ALTER FUNCTION exchange_stands RESET plan_cache_mode;
"""


class Migration(migrations.Migration):
    dependencies = [("exchange", "0010_trust_watch")]
    operations = [migrations.RunSQL(KEEP, RELEASE)]
