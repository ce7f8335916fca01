"""What every server of ours over HTTP shares: where it listens, who is let in, which tokens open the door."""
