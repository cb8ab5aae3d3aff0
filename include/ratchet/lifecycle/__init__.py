"""What a loop has become: its ledger, champion, evidence, predictions and data.

The steps and the pages ask for them here.
"""
