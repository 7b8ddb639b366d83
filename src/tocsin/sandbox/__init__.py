"""Which outside systems can be tried without an account? The simulators behind `im sandbox` live here."""
