//! The API as an OpenAPI 3.1 document, made of the protocol buffers and the table of paths.
//!
//! Owns how each type looks in JSON (protocol buffers' own mapping: camel case, 64-bit numbers and bytes as text, enums by name).
//! Descriptions are the comments of the `.proto` files; nothing is said twice.

use std::sync::LazyLock;

use prost_reflect::{
    DescriptorPool, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};
use serde_json::{Map, Value, json};

use super::{
    http::{Answers, Carries, ROUTES, Route},
    reason::REASONS,
};

const PACKAGE: &str = "gpux.oracle.v1";

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(gpux_proto::DESCRIPTORS).expect("the build has compiled these descriptors")
});

/// The document, made once.
pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// The message of a list in the answer of "Service.Method".
pub(super) fn rows_of(call: &str, field: &str) -> Option<MessageDescriptor> {
    match method(call)?.output().get_field_by_json_name(field)?.kind() {
        Kind::Message(message) => Some(message),
        _ => None,
    }
}

fn method(call: &str) -> Option<MethodDescriptor> {
    let (service, method) = call.split_once('.')?;
    let service = POOL.get_service_by_name(&format!("{PACKAGE}.{service}"))?;
    service.methods().find(|found| found.name() == method)
}

fn document() -> Value {
    let mut schemas = Map::new();
    schemas.insert("Error".into(), error());
    let mut paths = Map::new();
    for route in &ROUTES {
        let Some(method) = method(route.call) else { continue };
        let operation = operation(route, &method, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[if route.post { "post" } else { "get" }] = operation;
    }
    let tags = POOL.services().filter(|service| service.package_name() == PACKAGE).map(
        |service| json!({ "name": service.name(), "description": comment(&service.parent_file(), service.path()) }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "GPUX oracle",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Is a rented GPU node what it claims to be?",
            "description": "The same messages as gpux.oracle.v1 over gRPC, on the same port. 64-bit numbers and token amounts \
                            are strings of decimal digits; what is unknown is left out, never 0. Reads have an ETag.",
            "license": { "name": "MIT OR Apache-2.0" }
        },
        "servers": [{ "url": "/" }],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": { "schemas": schemas }
    })
}

fn operation(route: &Route, method: &MethodDescriptor, schemas: &mut Map<String, Value>) -> Value {
    let (input, output) = (method.input(), method.output());
    let mut parameters = Vec::new();
    if let Some(field) = route.segment.and_then(|name| input.get_field_by_name(name)) {
        let name = route.path.split(['{', '}']).nth(1).unwrap_or_default();
        parameters.push(json!({
            "name": name, "in": "path", "required": true, "description": comment_of(&field),
            "schema": { "type": "string", "minLength": 1 }
        }));
    }
    let queried = match route.carries {
        Carries::Query => Some(input.clone()),
        Carries::QueryOf(name) => input.get_field_by_name(name).and_then(|field| match field.kind() {
            Kind::Message(message) => Some(message),
            _ => None,
        }),
        _ => None,
    };
    for field in queried.iter().flat_map(MessageDescriptor::fields) {
        if route.segment != Some(field.name()) {
            parameters.push(json!({
                "name": field.json_name(), "in": "query", "description": comment_of(&field), "schema": value(&field, schemas)
            }));
        }
    }
    let mut content = Map::new();
    match route.answers {
        Answers::Json => {
            drop(content.insert("application/json".into(), json!({ "schema": message(&output, schemas) })))
        }
        Answers::Bytes => drop(content.insert("application/octet-stream".into(), json!({}))),
        // Each event's data is a response; OpenAPI has no words for the stream of them.
        Answers::Events => {
            drop(content.insert("text/event-stream".into(), json!({ "schema": message(&output, schemas) })))
        }
        Answers::Rows(_) => {
            parameters.push(json!({
                "name": "format", "in": "query", "description": "How the list is written; `Accept: text/csv` says the same.",
                "schema": { "type": "string", "enum": ["json", "csv"], "default": "json" }
            }));
            content.insert("application/json".into(), json!({ "schema": message(&output, schemas) }));
            content.insert("text/csv".into(), json!({ "schema": { "type": "string" } }));
        }
    }
    let refusal = json!({
        "description": "Why not: `reason` is one of the documented codes.",
        "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } }
    });
    let mut operation = json!({
        "operationId": route.name.unwrap_or(method.name()),
        "tags": [method.parent_service().name()],
        "summary": comment(&method.parent_service().parent_file(), method.path()),
        "parameters": parameters,
        "responses": {
            "200": { "description": comment(&output.parent_file(), output.path()), "content": content },
            "4XX": refusal, "5XX": refusal
        }
    });
    if !route.post && route.answers != Answers::Events {
        operation["responses"]["304"] = json!({ "description": "What If-None-Match names is still the answer." });
    }
    let body = match route.carries {
        Carries::Body(name) => input.get_field_by_name(name).map(|field| value(&field, schemas)),
        Carries::Whole => Some(message(&input, schemas)),
        _ => None,
    };
    if let Some(schema) = body {
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

/// A reference to a message, which is described the first time.
fn message(message: &MessageDescriptor, schemas: &mut Map<String, Value>) -> Value {
    let name = message.full_name();
    if !schemas.contains_key(name) {
        // Before its fields, which may contain it again.
        schemas.insert(name.into(), Value::Null);
        let properties: Map<_, _> = message
            .fields()
            .map(|field| {
                let mut schema = value(&field, schemas);
                schema["description"] = comment_of(&field).into();
                (field.json_name().to_owned(), schema)
            })
            .collect();
        let description = comment(&message.parent_file(), message.path());
        let schema = json!({
            "type": "object", "description": description, "properties": properties, "additionalProperties": false
        });
        schemas.insert(name.into(), schema);
    }
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// The JSON of a field.
fn value(field: &FieldDescriptor, schemas: &mut Map<String, Value>) -> Value {
    let one = match field.kind() {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::String => json!({ "type": "string" }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Double | Kind::Float => json!({ "type": "number" }),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
        Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "format": "uint32", "minimum": 0 }),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
        Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        Kind::Enum(of) => names(&of),
        Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp" => {
            json!({ "type": "string", "format": "date-time" })
        }
        Kind::Message(of) => message(&of, schemas),
    };
    if field.is_list() { json!({ "type": "array", "items": one }) } else { one }
}

fn names(of: &EnumDescriptor) -> Value {
    let names: Vec<_> = of.values().map(|value| value.name().to_owned()).collect();
    json!({ "type": "string", "enum": names })
}

fn error() -> Value {
    let codes: Vec<_> = REASONS.iter().map(|reason| reason.code).collect();
    json!({
        "type": "object",
        "description": "A request that was not answered.",
        "required": ["code", "reason", "message", "retryable"],
        "properties": {
            "code": { "type": "integer", "description": "The HTTP status." },
            "reason": { "type": "string", "enum": codes, "description": "A code that never changes its meaning." },
            "message": { "type": "string", "description": "What was wrong, with the value." },
            "retryable": { "type": "boolean", "description": "Whether the same request may succeed later." }
        }
    })
}

fn comment_of(field: &FieldDescriptor) -> String {
    comment(&field.parent_file(), field.path())
}

/// The comment before a declaration, in one line.
fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let text = location.and_then(|location| location.leading_comments.as_deref()).unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
