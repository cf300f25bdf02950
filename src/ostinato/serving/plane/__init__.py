"""The data plane: one process per endpoint, which needs nothing of the control plane but the file `plan.json`."""
