"""Campaigns from the draft to the last reminder: who is on the list, letters, progress."""
