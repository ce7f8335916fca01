"""What can be computed from sessions without asking a backend: pure functions over plain values."""
