"""The machine of a loop's life under random histories and faults: `make simulate YEARS=100000`, and a thousand in CI.

`story.py` draws what happens, `facts.py` how good models are; `world.py` is a data registry and an MLflow of
dictionaries in which an effect may be the last before a crash; `life.py` lives the story by the acts that production
performs; `invariants.py` says what has to hold whatever happens; `search.py` runs many lives, and shrinks the first
that breaks one.
"""
