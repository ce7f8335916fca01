"""The read side: backends → answers → command line, MCP tools and web. The agent never imports it."""
