"""Tests against the real data folder."""
