"""What minimizes the loss, one step after another, and how that is kept and resumed."""
