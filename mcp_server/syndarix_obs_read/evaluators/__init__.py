"""Evaluators: plain functions over the records of a session that say how good it was. No model, unless one is one.

Others are found by the entry point group `syndarix_obs.evaluators`; each names a function that takes an
`EvaluatedSession` and gives `Verdict`s.
"""
