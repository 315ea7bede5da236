"""The REST API of the portal: what the pages do, for programs. Thin: the same services, the same table of rights."""
