"""How much anybody may ask: shared buckets, of which each process holds a slice (RFC 6585 section 4)."""
