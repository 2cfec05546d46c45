"""Tests of the report's themes."""
