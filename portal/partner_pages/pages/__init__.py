"""The partner itself: the list, one partner, registering it, trying it, the acts of its life."""
