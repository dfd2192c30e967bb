"""What `hybrid init` writes."""
