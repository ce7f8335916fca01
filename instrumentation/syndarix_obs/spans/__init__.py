"""What runs in the caller's thread: spans, the operations that open them, the queue that takes them when they end."""
