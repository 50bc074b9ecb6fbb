"""A local Salesforce: the REST API as clients use it, over a world held in memory.

`vendor.SalesforceSandbox` is the door. Below it: `soql` (language) and `evaluate` (queries over
tables), `objects` (the schema) and `describe` (how it is told), `store` (tables) and `rules` (what a
write must satisfy), `auth`, and the routes in `routes`, `rows` and `actions`.
"""
