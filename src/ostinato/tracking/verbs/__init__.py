"""The verbs of Runs, a module for each thing that they are about; `service` gathers them."""
