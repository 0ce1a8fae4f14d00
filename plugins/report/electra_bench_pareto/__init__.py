"""Scores against pre-training FLOPs, as a report of electra-bench."""
