"""The page of one paper: what is read for it, and what people decide and write there."""
