"""The demo organisation Meridian, and the identity provider of its demo partners: a program of its own."""
