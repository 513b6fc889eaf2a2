"""One file a command (or group of commands): signatures at the top, the work imported in the body."""
