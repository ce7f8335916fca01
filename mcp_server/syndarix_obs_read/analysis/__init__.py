"""What is computed without asking a backend, a clock or a store: pure functions over plain values and series."""
