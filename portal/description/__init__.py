"""The OAuth endpoints described for machines: OpenAPI 3.1, made from the code that answers."""
