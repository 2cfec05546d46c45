"""Tests of one paper's page."""
