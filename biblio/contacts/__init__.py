"""Before an article goes to press: what preprints lack, letters to their authors, and whether it was mended."""
