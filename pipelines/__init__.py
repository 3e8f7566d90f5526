"""The only edges: a stage a file. Read, call one function, write."""
