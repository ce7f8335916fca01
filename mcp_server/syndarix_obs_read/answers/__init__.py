"""One operator's question per file, answered as frozen models; no SQL, no HTTP, no query language in here."""
