"""Tests of ``survey.earlier``."""
