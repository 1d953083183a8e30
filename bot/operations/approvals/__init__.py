"""Four eyes: what is asked of a second person before it is sent, what it is bound to, how it is decided."""
