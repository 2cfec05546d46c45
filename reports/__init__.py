"""Feature: what became of the telescope time, for management."""
