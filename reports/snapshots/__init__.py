"""Reports that were frozen: written as canonical JSON, kept, made once more, and compared."""
