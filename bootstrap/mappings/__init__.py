"""A provider described by one YAML file: which column of its data is which field of ours (docs/mappings.md)."""
