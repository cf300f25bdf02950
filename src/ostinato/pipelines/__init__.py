"""Pipelines: plain functions as steps, executions that survive their process, and a memo that is the recovery."""
