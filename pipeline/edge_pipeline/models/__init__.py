"""Initial weights for a network, and where to cut it when a part stays frozen."""
