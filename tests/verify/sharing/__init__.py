"""Tests of the shared work."""
