"""Feature: asks the PIs of silent projects why, anonymously."""

COMMANDS = {"survey": "survey.commands:survey"}
