"""PAWS-Wiki as a task of electra-bench."""
