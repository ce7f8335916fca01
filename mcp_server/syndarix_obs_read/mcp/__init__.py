"""The MCP server: thin tools over `answers/`, within a budget of tokens. `server.build_server` makes one.

Importing this package imports nothing; its modules import `mcp`, which takes more than half a second.
"""
