"""Tests of ``survey.asking``."""
