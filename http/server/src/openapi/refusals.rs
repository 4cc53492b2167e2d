//! The refusals that each operation may answer with, by status.
//!
//! They follow from what an operation takes and from who may use it, so that no handler has to list them:
//! one that says `default` gets those that are possible, and one that names a status itself keeps it.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::{SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    ContentBuilder, Header, HttpMethod, ObjectBuilder, OpenApi, Ref, RefOr, Response,
    ResponseBuilder, Schema,
};

use crate::guard::operations;

/// Status, name and meaning.
type Kind = (&'static str, &'static str, &'static str);

const INVALID: Kind = ("400", "Invalid", "The path, the query, a header or the body can't be used");
const UNAUTHORIZED: Kind = ("401", "Unauthorized", "It needs a log-in or a token");
const FORBIDDEN: Kind = ("403", "Forbidden", "Who asks may not do this, or the server only reads");
const NOT_FOUND: Kind = ("404", "NotFound", "What it names does not exist");
const CONFLICT: Kind = ("409", "Conflict", "It contradicts the present state");
const STALE: Kind = ("412", "Stale", "It was changed since it was read");
const TOO_LARGE: Kind = ("413", "TooLarge", "The body is too large");
const MEDIA_TYPE: Kind = ("415", "MediaType", "The body is of another type than the one taken");
const BROKEN: Kind = ("422", "Broken", "What it is about is not what was written");
const REUSED: Kind =
    ("422", "KeyReused", "Its `idempotency-key` was sent with another request before");
const UNCONDITIONAL: Kind = ("428", "Unconditional", "It does not say what it is based on");
const TOO_MANY: Kind = ("429", "TooMany", "Too much is asked for at a time");
const FAILED: Kind = ("500", "Failed", "A defect of Weir: the log has the request's id");
const NO_ENGINE: Kind = ("502", "NoEngine", "No engine gave an answer that can be used");
const UNAVAILABLE: Kind = ("503", "Unavailable", "What answers is not there now, or took too long");

const ALL: [Kind; 15] = [
    INVALID,
    UNAUTHORIZED,
    FORBIDDEN,
    NOT_FOUND,
    CONFLICT,
    STALE,
    TOO_LARGE,
    MEDIA_TYPE,
    BROKEN,
    REUSED,
    UNCONDITIONAL,
    TOO_MANY,
    FAILED,
    NO_ENGINE,
    UNAVAILABLE,
];

/// Says of every operation what it may refuse with; and of parameters that can be left out that they can't be null,
/// which nothing but a body can be.
pub(super) fn document(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        for (method, operation) in operations(item) {
            of_operation(&method, operation);
        }
    }
    let components = document.components.get_or_insert_default();
    let responses = ALL.map(|kind| (kind.1.to_owned(), RefOr::T(response(kind))));
    components.responses.extend(responses);
}

/// The same operations, where a server passes them on to an engine.
pub(crate) fn passed_on(document: &mut OpenApi) {
    for (_, operation) in document.paths.paths.values_mut().flat_map(operations) {
        add(operation, NO_ENGINE);
    }
}

/// An operation that takes a key for one request alone.
pub(crate) fn with_reused_keys(operation: &mut Operation) {
    add(operation, REUSED);
}

fn of_operation(method: &HttpMethod, operation: &mut Operation) {
    operation.responses.responses.remove("default");
    let parameters = operation.parameters.iter_mut().flatten();
    let mut takes = Vec::new();
    for parameter in parameters {
        if let RefOr::T(parameter) = parameter {
            without_null(parameter);
            takes.push((parameter.parameter_in.clone(), parameter.name.clone()));
        }
    }
    let is_command = *method != HttpMethod::Get;
    let is_in = |place: &ParameterIn| takes.iter().any(|it| it.0 == *place);
    let is_based = takes.iter().any(|it| it.1 == "if-match");
    let nobody = SecurityRequirement::default();
    let is_open = operation.security.as_ref().is_none_or(|it| *it == [nobody]);
    let has_body = operation.request_body.is_some();
    let is_of_audit = operation.tags.iter().flatten().any(|it| it == "audit");
    let possible = [
        (true, INVALID),
        (is_command || !is_open, UNAUTHORIZED),
        (is_command || !is_open, FORBIDDEN),
        (is_command || is_in(&ParameterIn::Path) || is_in(&ParameterIn::Query), NOT_FOUND),
        (is_command, CONFLICT),
        (is_command, STALE),
        (is_command, TOO_LARGE),
        (has_body, MEDIA_TYPE),
        (is_of_audit, BROKEN),
        (is_command && is_based, UNCONDITIONAL),
        (true, TOO_MANY),
        (true, FAILED),
        (true, UNAVAILABLE),
    ];
    possible.into_iter().filter(|it| it.0).for_each(|(_, kind)| add(operation, kind));
}

fn add(operation: &mut Operation, (status, name, _): Kind) {
    let known = &mut operation.responses.responses;
    known.entry(status.to_owned()).or_insert_with(|| Ref::from_response_name(name).into());
}

fn response((status, _, meaning): Kind) -> Response {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let refused =
        ResponseBuilder::new().description(meaning).content("application/problem+json", problem);
    match status {
        "401" => refused.header("www-authenticate", text("How to say who asks")),
        "429" | "503" => {
            refused.header("retry-after", seconds("In how many seconds it is worth asking again"))
        }
        _ => refused,
    }
    .build()
}

fn text(about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String));
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn seconds(about: &str) -> Header {
    let schema = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer)).minimum(Some(1));
    HeaderBuilder::new().schema(Some(schema)).description(Some(about)).build()
}

fn without_null(parameter: &mut Parameter) {
    if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema
        && let SchemaType::Array(types) = &mut schema.schema_type
    {
        types.retain(|it| *it != Type::Null);
        if let [one] = &types[..] {
            schema.schema_type = SchemaType::Type(one.clone());
        }
    }
}
