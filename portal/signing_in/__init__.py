"""How people prove who they are here, and the sessions that follow."""
