"""Effective access as its pages show it: the picture, what was asked of it, and what could be narrowed."""
