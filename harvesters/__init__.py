"""Harvesters turn bytes of other services and of files into records; they know no database."""
