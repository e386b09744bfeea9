"""Pull beside push: changes of a provider that answers instead of calling, sent on through the ingestion edge.

The edge is used like any provider uses it, so what holds for pushed items holds for pulled ones: all of a page or
nothing, checked, accepted when the log has it (docs/adr/0009-pull-posts-to-the-edge.md).
"""
