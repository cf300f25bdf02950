"""OTLP: traces from any program that speaks OpenTelemetry's protocol over HTTP."""
