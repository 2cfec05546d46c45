"""Feature: the public bibliography."""
