"""Tests of the success report."""
