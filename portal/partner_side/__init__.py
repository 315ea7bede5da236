"""The partner's own half: who of theirs is let in, what they change alone, and what they propose."""
