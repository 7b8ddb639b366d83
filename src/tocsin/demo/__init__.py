"""`im demo`: a hub, its database and a sandbox on this machine, and one alert shown travelling."""

from tocsin.demo.stage import run

__all__ = ["run"]
