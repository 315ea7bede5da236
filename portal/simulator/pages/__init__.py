"""The simulator's pages: the bench, golden tokens, back-tests and shadows of drafts."""
