"""The source `alertmanager`: Prometheus Alertmanager."""
