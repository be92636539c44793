"""Clusters of parameter points that are moved together onto what was measured; see docs/theory/cluster-newton.md."""
