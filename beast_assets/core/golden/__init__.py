"""Golden queries: a person's own questions, asked of each version before it is published."""
