"""What several panels have in common."""
