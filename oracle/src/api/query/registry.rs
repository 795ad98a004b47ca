//! Nodes and relays as they are listed.
//!
//! Owns GetNode, ListNodes and ListRelays. Descriptions and registrations are handed on as they were signed.

use gpux_proto::{
    bytes,
    evidence::{Description, RelayRegistration},
    oracle::{
        GetNodeRequest, GetNodeResponse, ListNodesRequest, ListNodesResponse, ListRelaysRequest, ListRelaysResponse,
        Node, Relay,
    },
};

use super::{Query, cut, id, limit, name, page_size};
use crate::{
    api::{
        error::Error,
        page_token::{self, Cursor},
    },
    store::{NodeRow, RelayRow},
};

impl Query {
    /// Returns one node's description.
    pub async fn get_node(&self, request: GetNodeRequest) -> Result<GetNodeResponse, Error> {
        let id = id("name", "nodes", &request.name)?;
        let row = self.store.node(id).await?.ok_or_else(|| Error::not_found(name("nodes", &id)))?;
        Ok(GetNodeResponse { node: Some(node(&row)?) })
    }

    /// Lists nodes by their key.
    pub async fn list_nodes(&self, request: ListNodesRequest) -> Result<ListNodesResponse, Error> {
        let size = page_size(request.page_size)?;
        let after = match Cursor::read(&request.page_token)? {
            None => None,
            Some(Cursor::Nodes { after }) => Some(after),
            Some(_) => return Err(page_token::refused()),
        };
        let mut rows = self.store.nodes(after, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::Nodes { after: row.node }.token());
        let nodes = rows.iter().map(node).collect::<Result<_, _>>()?;
        Ok(ListNodesResponse { nodes, next_page_token: next.unwrap_or_default() })
    }

    /// Lists relays by their key, as far as their registration holds at a moment in unix seconds.
    pub(in crate::api) async fn list_relays(
        &self,
        request: ListRelaysRequest,
        now: u64,
    ) -> Result<ListRelaysResponse, Error> {
        let size = page_size(request.page_size)?;
        let after = match Cursor::read(&request.page_token)? {
            None => None,
            Some(Cursor::Relays { after }) => Some(after),
            Some(_) => return Err(page_token::refused()),
        };
        let mut rows = self.store.relays(now, after, limit(size)).await?;
        let more = cut(&mut rows, size);
        let next = rows.last().filter(|_| more).map(|row| Cursor::Relays { after: row.relay }.token());
        let relays = rows.iter().map(relay).collect::<Result<_, _>>()?;
        Ok(ListRelaysResponse { relays, next_page_token: next.unwrap_or_default() })
    }
}

fn node(row: &NodeRow) -> Result<Node, Error> {
    Ok(Node { name: name("nodes", &row.node), description: Some(description(row)?) })
}

fn relay(row: &RelayRow) -> Result<Relay, Error> {
    let registration: RelayRegistration = bytes::decode("registration", &row.registration).map_err(|error| {
        tracing::error!(relay = %bytes::to_hex(&row.relay), %error, "a stored registration is damaged");
        Error::new("INTERNAL", "a stored registration is damaged")
    })?;
    Ok(Relay { name: name("relays", &row.relay), registration: Some(registration) })
}

/// The description that ingest checked before it was stored.
pub(super) fn description(row: &NodeRow) -> Result<Description, Error> {
    bytes::decode("description", &row.description).map_err(|error| {
        tracing::error!(node = %bytes::to_hex(&row.node), %error, "a stored description is damaged");
        Error::new("INTERNAL", "a stored description is damaged")
    })
}
