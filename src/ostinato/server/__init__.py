"""The control plane over HTTP: routes, checks and errors, all read from the slices' Ops."""
