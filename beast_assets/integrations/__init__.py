"""The index as a retriever of other libraries; each is an extra of its own."""
