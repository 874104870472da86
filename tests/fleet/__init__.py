"""Tests of the fleet: the registry, the way to a runner, the server that shows them all."""
