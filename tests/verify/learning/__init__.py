"""Tests of learning from verdicts."""
