"""Tests of lists of decisions."""
