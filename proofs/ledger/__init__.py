"""The ledger: what was acknowledged is compared with every log and store, while a nemesis breaks the system."""
