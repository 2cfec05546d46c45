"""Tests of harvesting, reading and importing."""
