"""The demo organisation Meridian, and the identity provider of its demo partners: another organisation's own program."""
