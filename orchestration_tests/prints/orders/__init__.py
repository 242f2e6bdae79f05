"""Tests of `orchestration.prints.orders`."""
