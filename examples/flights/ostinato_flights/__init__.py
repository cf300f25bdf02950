"""The demo: will a flight from New York arrive more than 15 minutes late? The year 2013, replayed month by month."""
