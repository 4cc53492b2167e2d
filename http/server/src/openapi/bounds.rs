//! What fits into numbers without a sign: their schemas name the formats of those with one, which take half as much.

use utoipa::Number;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{AdditionalProperties, ArrayItems, Schema, SchemaType, Type};
use utoipa::openapi::{Content, KnownFormat, Object, OpenApi, RefOr, SchemaFormat};

use crate::guard::operations;

/// Gives every number that is never below 0 its format, and its largest value where it names none.
pub(super) fn document(document: &mut OpenApi) {
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations) {
        of_operation(operation);
    }
    let components = document.components.get_or_insert_default();
    components.schemas.values_mut().for_each(of);
}

fn of_operation(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            parameter.schema.iter_mut().for_each(of);
        }
    }
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        body.content.values_mut().for_each(of_content);
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.values_mut().for_each(of_content);
        }
    }
}

fn of_content(content: &mut RefOr<Content>) {
    if let RefOr::T(content) = content {
        content.schema.iter_mut().for_each(of);
    }
}

fn of(schema: &mut RefOr<Schema>) {
    if let RefOr::T(schema) = schema {
        of_schema(schema);
    }
}

fn of_schema(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            unsigned(object);
            object.properties.values_mut().for_each(of);
            if let Some(AdditionalProperties::RefOr(more)) =
                object.additional_properties.as_deref_mut()
            {
                of(more);
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                of(items);
            }
            array.prefix_items.iter_mut().for_each(of_schema);
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(of),
        Schema::AllOf(all) => all.items.iter_mut().for_each(of),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(of),
        _ => {}
    }
}

fn unsigned(object: &mut Object) {
    let is_integer = match &object.schema_type {
        SchemaType::Type(it) => *it == Type::Integer,
        SchemaType::Array(any) => any.contains(&Type::Integer),
        SchemaType::AnyValue => false,
    };
    let least = match object.minimum {
        Some(Number::UInt(_)) => true,
        Some(Number::Int(it)) => it >= 0,
        Some(Number::Float(it)) => it >= 0.0,
        None => false,
    };
    let (format, most) = match &object.format {
        Some(SchemaFormat::KnownFormat(KnownFormat::Int32)) => ("uint32", u32::MAX as usize),
        Some(SchemaFormat::KnownFormat(KnownFormat::Int64)) => ("uint64", usize::MAX),
        _ => return,
    };
    if is_integer && least {
        object.format = Some(SchemaFormat::Custom(format.to_owned()));
        object.maximum.get_or_insert(Number::UInt(most));
    }
}
