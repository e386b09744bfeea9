"""The whole system under mixed traffic: an evening of it, and far more than it can take."""
