"""Feature: harvests papers and projects, reads texts, shows what was and was not got."""
