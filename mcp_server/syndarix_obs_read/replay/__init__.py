"""Runs an agent again along a recorded session: loads the tape from a backend, runs, reports, exports, compares.

What has to live in the agent's process (transport, tools, sockets) is `syndarix_obs.replaying`.
"""
