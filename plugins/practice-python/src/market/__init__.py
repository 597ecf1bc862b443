"""Lockstep connector for Practice Market."""
