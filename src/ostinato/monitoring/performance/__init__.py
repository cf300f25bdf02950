"""Family: performance measures of predictions against labels; a positive effect is a loss."""
