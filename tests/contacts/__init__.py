"""Letters to authors before press."""
