"""The index over HTTP, for people and programs on this machine."""
