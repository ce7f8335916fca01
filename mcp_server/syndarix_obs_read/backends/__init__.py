"""Where answers come from: the embedded SQLite store or the servers of the stack, behind the same Protocols."""
