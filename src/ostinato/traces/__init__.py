"""Traces: what an application did for one request, step by step, what it cost, and what people and judges say of it."""
