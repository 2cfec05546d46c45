"""Tests of outgoing mail and of what came back."""
