"""How bytes reach a destination: the spool on disk, the thread that sends, and what an answer means."""
