"""Feature: what became of the telescope time, for management."""

COMMANDS = {"report": "reports.commands:report"}
