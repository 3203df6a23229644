"""The index for other programs: over HTTP, with a page for people, and to agents."""
