"""Feature: compares our list of papers and projects with those of others."""

COMMANDS = {"compare": "biblio.compare.commands:compare"}
