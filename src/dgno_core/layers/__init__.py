"""Small modules that the networks are made of."""
