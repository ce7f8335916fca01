"""The provider's own bill: how it is read (API or console export), and how it is compared with the ledger.

`model` is what every source delivers; `openai_api`, `anthropic_api` and `console_export` read it; `seen` is the
ledger's side; `unseen`, `gaps` and `money` name the causes; `lessons` turns what was learned into prices to look at.
"""
