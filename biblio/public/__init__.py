"""Feature: the public bibliography."""

COMMANDS = {"feed": "biblio.public.feed_commands:feed"}
