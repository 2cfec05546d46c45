"""From papers, texts and projects to candidates: the job ``match``, what it is told, and which model ranks."""
