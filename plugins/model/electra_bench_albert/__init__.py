"""ALBERT's encoder as a model of electra-bench."""
