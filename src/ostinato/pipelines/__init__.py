"""Pipelines: plain functions as steps, executions that survive their process, and memoized results."""
