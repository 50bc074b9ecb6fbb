"""Every call of the CRM's API and what answers it."""

from __future__ import annotations

from leadline_hubspot.sandbox import account_api, enrollment_api
from leadline_hubspot.sandbox import associations_api as associations
from leadline_hubspot.sandbox import batch_api as batch
from leadline_hubspot.sandbox import objects_api as objects
from leadline_hubspot.sandbox.paths import Paths


def add_objects(paths: Paths) -> None:
    """Records: one at a time, in lists, in batches; and the links of one record."""
    read, write = objects.read_scope, objects.write_scope
    for name, handler, scope in (
        ("read", batch.read_batch, read),
        ("update", batch.update_batch, write),
        ("create", batch.create_batch, write),
        ("upsert", batch.upsert_batch, write),
        ("archive", batch.archive_batch, write),
    ):
        paths.add("objects", f"{{type}}/batch/{name}", "POST", handler, scope=scope)
    paths.add("objects", "{type}/search", "POST", objects.search_records, bucket="search", scope=read)
    paths.add("objects", "{type}/merge", "POST", objects.merge_records, scope=write)
    paths.add("objects", "{type}/gdpr-delete", "POST", objects.purge_record, scope=write)
    paths.add("objects", "{type}", "GET", objects.list_records, scope=read)
    paths.add("objects", "{type}", "POST", objects.create_record, scope=write)
    paths.add("objects", "{type}/{id}", "GET", objects.read_record, scope=read)
    paths.add("objects", "{type}/{id}", "PATCH", objects.update_record, scope=write)
    paths.add("objects", "{type}/{id}", "DELETE", objects.archive_record, scope=write)
    links = "{from}/{id}/associations"
    paths.add("objects", f"{links}/default/{{to}}/{{to_id}}", "PUT", associations.create_default_one)
    paths.add("objects", f"{links}/{{to}}/{{to_id}}", "PUT", associations.create_one)
    paths.add("objects", f"{links}/{{to}}/{{to_id}}", "DELETE", associations.archive_one)
    paths.add("objects", f"{links}/{{to}}/{{to_id}}/{{kind}}", "PUT", associations.create_typed)
    paths.add("objects", f"{links}/{{to}}/{{to_id}}/{{kind}}", "DELETE", associations.archive_one)
    paths.add("objects", f"{links}/{{to}}", "GET", associations.read_one)


def add_associations(paths: Paths) -> None:
    """Links in batches."""
    for name, handler in (
        ("read", associations.read_batch),
        ("create", associations.create_batch),
        ("associate/default", associations.create_default_batch),
        ("archive", associations.archive_batch),
        ("labels/archive", associations.archive_labels),
    ):
        paths.add("associations", f"{{from}}/{{to}}/batch/{name}", "POST", handler, bucket="associations")
    paths.add("associations", "{from}/{to}/labels", "GET", associations.list_labels)
    paths.add("associations", "{from}/{to}/types", "GET", associations.list_labels)
    paths.add("associations", "{from}/{to}/labels", "POST", associations.create_label)
    paths.add("associations", "{from}/{to}/labels/{label}", "DELETE", associations.archive_label)


def add_account(paths: Paths, usage: account_api.Usage) -> None:
    """Properties, schemas, pipelines, owners, the account itself."""
    read = "crm.objects.owners.read"
    paths.add("properties", "{type}/groups", "GET", account_api.list_groups)
    paths.add("properties", "{type}/groups", "POST", account_api.create_group)
    paths.add("properties", "{type}/batch/create", "POST", account_api.create_properties)
    paths.add("properties", "{type}/batch/read", "POST", account_api.read_properties)
    paths.add("properties", "{type}/{name}", "GET", account_api.read_property)
    paths.add("properties", "{type}", "GET", account_api.list_properties)
    paths.add("properties", "{type}", "POST", account_api.create_property)
    paths.add("schemas", "", "GET", account_api.list_schemas)
    paths.add("schemas", "{type}", "GET", account_api.read_schema)
    paths.add("pipelines", "{type}", "GET", account_api.list_pipelines)
    paths.add("pipelines", "{type}/{id}", "GET", account_api.read_pipeline)
    paths.add("pipelines", "{type}/{id}/stages", "GET", account_api.list_stages)
    paths.add("owners", "", "GET", account_api.list_owners, scope=read)
    paths.add("owners", "{id}", "GET", account_api.read_owner, scope=read)
    paths.add("account", "details", "GET", account_api.account_details)
    paths.add("account", "api-usage/daily/private-apps", "GET", usage.read)
    paths.add("limits", "records", "GET", account_api.record_limits)


def add_sequences(paths: Paths) -> None:
    """Sequences and who is in them."""
    enrol, see = "automation.sequences.enrollments.write", "automation.sequences.read"
    paths.add("sequences", "", "GET", enrollment_api.list_sequences, scope=see)
    paths.add("sequences", "{id}", "GET", enrollment_api.read_sequence, scope=see)
    paths.add("sequences", "enrollments", "POST", enrollment_api.create_enrollment, scope=enrol)
    paths.add("sequences", "enrollments/contact/{contact}", "GET", enrollment_api.read_enrollment, scope=see)
