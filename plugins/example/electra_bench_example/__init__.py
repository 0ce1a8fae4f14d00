"""An example plugin of electra-bench."""
