"""Canaries: would the newest exchanges of a partner still be granted, if they came now?"""
