"""Replay: a loop's past night by night, through the code that production runs, with time as the only thing simulated.

`history` is what there was to know and since when, `fits` the models (cached by content), `simulation` the nights of
one policy, `score` what they came to, `report` how it is shown.
"""
