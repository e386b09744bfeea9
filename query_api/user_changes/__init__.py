"""What changed for one person, over all read models of theirs: shared by GET …/changes and the live channel.

- `cursor`: how far a caller is, opaque on the wire.
- `reader`: the rows above a cursor, with the log positions that they include.
- `responses`: the same rows as JSON.
"""
