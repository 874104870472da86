"""Several runners on one page: who runs on this machine, how each is followed, and the server of the fleet's page.

`registry` is what every server writes about itself, `model` the runners as a fold over their news, `source` by which
ways they are reached, `follow` follows one runner's `/ws`, `local` all of this machine, `server` serves the page.
"""
