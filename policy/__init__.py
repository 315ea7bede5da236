"""What may be granted, decided from facts alone. No Django, no I/O, no clock."""
