"""The observatory's bibliography: store, catalogue, features of the house, and the doors."""
