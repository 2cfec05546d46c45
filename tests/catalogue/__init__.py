"""Tests of the catalogue: papers, projects, texts, merges."""
