"""Import from MLflow: what a running MLflow server holds is taken over, as its clients would read it."""
