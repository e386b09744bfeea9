"""The write edge: HTTP commands become events."""
