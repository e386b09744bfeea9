"""What the catalog shows of titles that another read model names: one statement for a whole page."""
