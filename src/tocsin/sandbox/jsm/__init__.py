"""A local JSM Operations: not built yet; its port answers so in a plain sentence."""
