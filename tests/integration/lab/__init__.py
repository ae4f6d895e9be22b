"""A small application around `messenger.health` whose ills can be called by URL.

`python -m tests.integration.lab '{"loop": "asyncio", "plain": false, ...}'` starts it. Every ill is
real: it takes real locks, blocks the real loop. With `"plain": true` the same routes run on uvicorn
as it is, with a constant health route: the control of every experiment.
"""
