"""Tests of ``survey.page``."""
