"""What a loop has become: its ledger, champion, evidence, predictions and data, as the steps and the pages ask for them."""
