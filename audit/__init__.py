"""What happened, in order, provably unedited."""
