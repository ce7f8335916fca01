"""The embedded backend's statements, one kind of question per file. Nothing outside `backends` sees SQL."""
