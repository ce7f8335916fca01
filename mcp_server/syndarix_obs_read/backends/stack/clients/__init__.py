"""HTTP clients of the servers: one file a server."""
