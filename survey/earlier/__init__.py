"""What was before biblio kept the lists: who was asked, and the totals of earlier campaigns."""
