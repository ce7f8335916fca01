"""Whatever concerns the people in what was recorded: where they are, erasing them, and proof of it.

`places` says what an erasure needs to know of a place, `inventory` lists all places, `forget` runs an erasure over
them, `receipts` keeps the proof. `docs/privacy.md` is generated from the inventory.
"""
