"""The schema as `describe` tells it, with every key that clients read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from leadline_salesforce.sandbox.fields import FieldDef, ObjectDef
from leadline_salesforce.sandbox.schema import Schema

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
}


def _picklist(field: FieldDef) -> list[dict[str, Any]]:
    return [
        {"active": True, "defaultValue": value == field.default, "label": value, "validFor": None, "value": value}
        for value in field.picklist
    ]


def describe_field(field: FieldDef) -> dict[str, Any]:
    """One entry of `fields`."""
    calculated = field.calculated and field.custom
    optional = field.type == "boolean" or field.default is not None
    return {
        "aggregatable": field.type not in ("textarea", "multipicklist"),
        "aiPredictionField": False,
        "autoNumber": False,
        "byteLength": field.length * 3 if field.type not in ("id", "reference") else field.length,
        "calculated": calculated,
        "calculatedFormula": field.formula,
        "cascadeDelete": field.cascade,
        "caseSensitive": False,
        "compoundFieldName": "Name" if field.name in ("FirstName", "LastName") else None,
        "controllerName": None,
        "createable": field.createable,
        "custom": field.custom,
        "defaultValue": field.default if isinstance(field.default, bool) else None,
        "defaultValueFormula": None,
        "defaultedOnCreate": optional or field.read_only,
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": field.precision if field.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": field.external_id,
        "extraTypeInfo": None,
        "filterable": field.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": field.type not in ("textarea", "multipicklist", "double", "currency", "datetime"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": field.type == "id" or field.external_id,
        "inlineHelpText": None,
        "label": field.label,
        "length": field.length,
        "mask": None,
        "maskType": None,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": len(field.reference_to) > 1,
        "nillable": not (field.required or field.type in ("boolean", "id")),
        "permissionable": not field.required and field.createable,
        "picklistValues": _picklist(field),
        "polymorphicForeignKey": len(field.reference_to) > 1,
        "precision": field.precision if field.type != "int" else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": field.restricted,
        "scale": field.scale,
        "searchPrefilterable": field.type == "reference",
        "soapType": _SOAP.get(field.type, "xsd:string"),
        "sortable": field.filterable and field.type != "multipicklist",
        "type": field.type,
        "unique": field.unique,
        "updateable": field.updateable,
        "writeRequiresMasterRead": False,
    }


def describe_global(definition: ObjectDef, base: str) -> dict[str, Any]:
    """One entry of the list of objects. `base` is `/services/data/vXX.X`."""
    writable = definition.writable
    urls = {
        "sobject": f"{base}/sobjects/{definition.name}",
        "describe": f"{base}/sobjects/{definition.name}/describe",
        "rowTemplate": f"{base}/sobjects/{definition.name}/{{ID}}",
    }
    return {
        "activateable": False,
        "associateEntityType": None,
        "associateParentEntity": None,
        "createable": writable,
        "custom": definition.name.endswith("__c"),
        "customSetting": False,
        "deepCloneable": False,
        "deletable": writable and definition.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": definition.prefix,
        "label": definition.label,
        "labelPlural": definition.plural,
        "layoutable": True,
        "mergeable": definition.mergeable,
        "mruEnabled": True,
        "name": definition.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": writable and definition.deletable,
        "updateable": writable,
        "urls": urls,
    }


def _children(parent: ObjectDef, schema: Schema) -> Iterator[dict[str, Any]]:
    for definition in schema:
        for field in definition.fields.values():
            if parent.name in field.reference_to:
                yield {
                    "cascadeDelete": field.cascade,
                    "childSObject": definition.name,
                    "deprecatedAndHidden": False,
                    "field": field.name,
                    "junctionIdListNames": [],
                    "junctionReferenceTo": [],
                    "relationshipName": field.children,
                    "restrictedDelete": False,
                }


def describe(definition: ObjectDef, base: str, schema: Schema) -> dict[str, Any]:
    """The whole description of an object."""
    record_type = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": "012000000000000AAA",
        "urls": {"layout": f"{base}/sobjects/{definition.name}/describe/layouts/012000000000000AAA"},
    }
    return describe_global(definition, base) | {
        "actionOverrides": [],
        "childRelationships": list(_children(definition, schema)),
        "compactLayoutable": True,
        "fields": [describe_field(field) for field in definition.fields.values()],
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": [record_type],
        "searchLayoutable": True,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": f"All {definition.plural}", "name": "everything"}],
    }
