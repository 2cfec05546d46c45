"""Tests of ``survey.results``."""
