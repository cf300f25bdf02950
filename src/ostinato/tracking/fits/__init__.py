"""Instrumentation of trainings behind `autolog`, whatever the framework; the frameworks are the family `autolog`."""
