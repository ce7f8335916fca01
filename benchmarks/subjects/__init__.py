"""What is compared: one module per library, each with `start(sink) -> Subject`."""
