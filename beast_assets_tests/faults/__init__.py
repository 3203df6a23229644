"""Faults at the boundaries of our own writes: deaths, errors, rivals and damage.

``python -m beast_assets_tests.faults`` runs the matrix and prints its figures. Each case ends with
one run without a fault, after which the index must hold the rows of a clean build (``checks``).
"""
