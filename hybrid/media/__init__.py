"""Where the values of coefficients come from: one file for each kind."""
