"""The grammar of the wire (RFC 6749, RFC 8693). No Django."""
