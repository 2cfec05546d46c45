"""What campaigns found: figures for many, words for readers."""
