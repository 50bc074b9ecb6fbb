"""A local Salesforce: the REST, Bulk 2.0 and sign-in APIs as clients use them, over a world held in memory.

`vendor.SalesforceSandbox` is the door. Below it:
    what the org is     objects, fields, schema (per org, changeable), loading, store, sortedkeys
    what it works out   derived (own fields), calculated (from other records), cascades
    what a write meets  writes, rules (values), guards (locks, validation, duplicates), latecommits
    asking              soql, soqltree, paths, predicates, shapes, aggregates, evaluate, searches
    routes              queries, rows, actions, composite, dispatch, trees, bulk_query, bulk_ingest, identity
    from outside        edits, administration, injected
"""
