"""Other people's clients and instrumentors, watched without their knowing."""
