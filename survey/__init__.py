"""Feature: asks the PIs of silent projects why, anonymously."""
