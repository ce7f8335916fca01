"""A provider on loopback that speaks the HTTP shapes of OpenAI and Anthropic; what it answers is scripted."""
