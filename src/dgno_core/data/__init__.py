"""Training data: sharp images, random degradations, and the batches made of them."""
