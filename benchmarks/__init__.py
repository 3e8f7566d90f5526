"""How fast, how good, against whom; each writes results/<topic>.json."""
