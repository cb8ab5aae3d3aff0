"""Great Expectations: the only package that imports it. A table is held to a suite, and the page of its Data Docs made.

A table of many rows is looked at in parts (`large`); what is found is the same.
"""

from ratchet.adapters.expectations.check import Check as Check
from ratchet.adapters.expectations.check import hold as hold
from ratchet.adapters.expectations.check import validate as validate
from ratchet.adapters.expectations.frames import frame as frame
from ratchet.adapters.expectations.pages import render as render
from ratchet.adapters.expectations.suite import columns as columns
from ratchet.adapters.expectations.suite import read_suite as read_suite
