"""The analysis ``cross-dataset``: trained on one set of faces, tested on another, with and without masks."""
