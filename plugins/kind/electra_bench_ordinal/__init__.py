"""Classes that have an order, as a task kind of electra-bench."""
