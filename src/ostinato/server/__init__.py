"""The control plane over HTTP: routes, authorization and errors, all from the slices' Ops."""
