"""What tests share: where backends come from, builders, waiting, fakes."""
