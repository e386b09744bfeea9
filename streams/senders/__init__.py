"""Read models told to others: store → outside."""
