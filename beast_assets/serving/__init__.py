"""The index for other programs."""
