"""Clients and pools, built from settings; no queries."""
