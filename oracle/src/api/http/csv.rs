//! Lists as CSV (RFC 4180), for whoever opens them in a spreadsheet.
//!
//! Owns the step from a list's JSON to rows: a column for each field of the message, those of single messages inside it joined
//! by a full stop, whatever is repeated as JSON. Columns follow from the message, so they stand in every page; what is unknown
//! is empty. Cells that a spreadsheet would run as a formula are defused: names and details are strangers' words.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Uri, header, uri::PathAndQuery},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;

use super::answer::tagged;
use crate::api::{description, error::Error};

const CSV: &str = "text/csv; charset=utf-8";
/// The largest answer in JSON that is turned into rows: a full page is below it.
const JSON_BYTES_MAX: usize = 32 << 20;
/// How deep messages in messages have columns of their own.
const DEPTH: usize = 3;

/// Answers a list as rows if that is asked for: by the query's `format=csv`, or by `Accept`.
pub(super) async fn answered(call: &'static str, field: &'static str, mut request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let (wished, rest) = without_format(uri.query().unwrap_or_default());
    let wished = match wished.as_deref() {
        None => accepts(request.headers()),
        Some("csv") => true,
        Some("json") => false,
        Some(_) => return Error::field("MALFORMED", "format", "format is neither csv nor json").into_response(),
    };
    if rest != uri.query().unwrap_or_default() {
        *request.uri_mut() = with_query(&uri, &rest);
    }
    if !wished {
        return next.run(request).await;
    }
    let asked = request.headers().clone();
    // The tag of rows is another one than that of the JSON, which the inner answer would compare.
    request.headers_mut().remove(header::IF_NONE_MATCH);
    let response = next.run(request).await;
    if !response.status().is_success() {
        return response;
    }
    match rows(call, field, response.into_body()).await {
        Ok((body, token)) => {
            let mut response = tagged(&asked, body, CSV, "no-cache");
            response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
            let link = token.and_then(|token| HeaderValue::from_str(&next_page(&uri, &rest, &token)).ok());
            link.map(|link| response.headers_mut().insert(header::LINK, link));
            response
        }
        Err(error) => error.into_response(),
    }
}

/// Whether rows are preferred: nobody who takes anything means CSV.
fn accepts(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accept.split(',').any(|kind| kind.split(';').next().is_some_and(|kind| kind.trim() == "text/csv"))
}

/// The query's `format`, and the query without it.
fn without_format(query: &str) -> (Option<String>, String) {
    let (formats, rest): (Vec<_>, Vec<_>) = query.split('&').partition(|pair| pair.starts_with("format="));
    (formats.last().map(|pair| pair["format=".len()..].to_owned()), rest.join("&"))
}

fn with_query(uri: &Uri, query: &str) -> Uri {
    let path = if query.is_empty() { uri.path().to_owned() } else { format!("{}?{query}", uri.path()) };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = path.parse::<PathAndQuery>().ok().or(parts.path_and_query);
    Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

/// RFC 8288: where the next page is.
fn next_page(uri: &Uri, query: &str, token: &str) -> String {
    let pairs = query.split('&').filter(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        !pair.is_empty() && !matches!(name, "page_token" | "pageToken")
    });
    let query: Vec<_> = pairs.map(str::to_owned).chain(["format=csv".into(), format!("pageToken={token}")]).collect();
    format!("<{}?{}>; rel=\"next\"", uri.path(), query.join("&"))
}

async fn rows(call: &str, field: &str, body: Body) -> Result<(Bytes, Option<String>), Error> {
    let failed = |what: &str| {
        tracing::error!(call, what, "a list cannot be written as CSV");
        Error::new("INTERNAL", "the list cannot be written as CSV")
    };
    let json = axum::body::to_bytes(body, JSON_BYTES_MAX).await.map_err(|_| failed("it is too large"))?;
    let answer: Value = serde_json::from_slice(&json).map_err(|_| failed("it is no JSON"))?;
    let message = description::rows_of(call, field).ok_or_else(|| failed("it has no such list"))?;
    let columns = columns(&message, DEPTH);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = |cells: Vec<String>| writer.write_record(cells).map_err(|_| failed("a row was refused"));
    write(columns.iter().map(|column| column.join(".")).collect())?;
    for row in answer[field].as_array().into_iter().flatten() {
        write(
            columns.iter().map(|column| cell(column.iter().fold(row, |value, name| &value[name.as_str()]))).collect(),
        )?;
    }
    let token = answer["nextPageToken"].as_str().map(str::to_owned);
    Ok((writer.into_inner().map_err(|_| failed("it was cut"))?.into(), token))
}

/// The names of fields that lead to each column.
fn columns(message: &MessageDescriptor, depth: usize) -> Vec<Vec<String>> {
    let of = |field: FieldDescriptor| {
        let name = field.json_name().to_owned();
        match inner(&field).filter(|_| depth > 1) {
            Some(message) => {
                let inside = columns(&message, depth - 1).into_iter();
                inside.map(|column| [vec![name.clone()], column].concat()).collect()
            }
            None => vec![vec![name]],
        }
    };
    message.fields().flat_map(of).collect()
}

/// The message of a field that is one, and neither repeated nor written as text.
fn inner(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(message) if !field.is_list() && message.package_name() != "google.protobuf" => Some(message),
        _ => None,
    }
}

fn cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    // A number may begin with a sign; any other text that does would be run.
    let runs = text.starts_with(['=', '+', '-', '@', '\t', '\r']) && text.parse::<f64>().is_err();
    if runs { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_defused_and_numbers_are_not() {
        let cells = ["=1+1", "+cmd", "@x", "-2", "-x", "plain", "\tx"].map(|text| cell(&Value::from(text)));
        assert_eq!(cells, ["'=1+1", "'+cmd", "'@x", "-2", "'-x", "plain", "'\tx"]);
        assert_eq!((cell(&Value::Null), cell(&serde_json::json!([1, "a"]))), (String::new(), "[1,\"a\"]".into()));
    }

    #[test]
    fn the_format_is_taken_out_of_the_query_and_the_next_page_keeps_it() {
        assert_eq!(without_format("pageSize=2&format=csv"), (Some("csv".into()), "pageSize=2".into()));
        assert_eq!(without_format(""), (None, String::new()));
        let uri: Uri = "/v1/nodes?pageSize=2&format=csv&page_token=a".parse().unwrap();
        let link = next_page(&uri, "pageSize=2&page_token=a", "b");
        assert_eq!(link, "</v1/nodes?pageSize=2&format=csv&pageToken=b>; rel=\"next\"");
        assert_eq!(with_query(&uri, "pageSize=2").to_string(), "/v1/nodes?pageSize=2");
        assert_eq!(with_query(&uri, "").to_string(), "/v1/nodes");
    }
}
