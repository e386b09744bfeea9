"""The laws of sync, pure: what the server and every device must agree on, whatever order operations arrive in.

Imported by both sides and importing nothing of ours. What is merged here is merged by a join: commutative, associative
and idempotent, so that any order and any repetition of the same operations leads to the same state (Shapiro et al.,
"Conflict-free replicated data types", 2011). docs/sync.md tells the same for people.
"""
