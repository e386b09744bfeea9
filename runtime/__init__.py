"""Process plumbing. Imports nothing of ours."""
