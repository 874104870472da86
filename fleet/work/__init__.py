"""One sprint on several machines: lanes as jobs in a work queue, and the workers that take them.

A lane's cycle runs at the coordinator, the server of the project, and its commands run on the worker that holds the
lane by a lease of the queue. Two ordered streams per lane join them; trees travel as git bundles. See decision 34.
"""
