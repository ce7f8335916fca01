"""Destinations outside the process: each takes records or spans and sends them on."""
