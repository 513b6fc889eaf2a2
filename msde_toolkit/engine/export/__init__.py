"""A fold's model as one file that goes to others: weights, or a whole network, with what must be known of it."""
