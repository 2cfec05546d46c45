"""Tests of comparing lists."""
