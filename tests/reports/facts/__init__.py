"""Tests of what a report reads."""
