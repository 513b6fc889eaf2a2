"""Its folder is put on the import path by pytest, which is how tests find ``in_memory_run``."""
