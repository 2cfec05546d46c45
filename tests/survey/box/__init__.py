"""Tests of ``survey.box``."""
