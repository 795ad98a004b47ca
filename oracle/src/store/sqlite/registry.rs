//! The market, nodes, fishers and relays.

use sqlx::query;
use sqlx::sqlite::{SqliteConnection, SqlitePool, SqliteRow};

use super::super::records::{Accepted, Address, Digest, Fisher, FisherRow, Node, NodeRow, Relay, RelayRow};
use super::super::{Error, Result};
use super::row::{bytes, fixed, integer, number, optional, unavailable};
use super::{assignments, log};
use crate::log::Frontier;

/// Binds the store to a market, or checks it.
pub(super) async fn claim(connection: &mut SqliteConnection, market: &[u8]) -> Result<()> {
    let failed = unavailable("claims a market");
    query("INSERT INTO market (id, identity) VALUES (1, ?) ON CONFLICT DO NOTHING")
        .bind(market.to_vec())
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    let row =
        query("SELECT identity FROM market").fetch_one(connection).await.map_err(unavailable("reads the market"))?;
    if bytes(&row, "identity")? == market { Ok(()) } else { Err(Error::ForeignMarket) }
}

/// Holds a description that is newer than the one that is held.
pub(super) async fn announce_node(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    node: Node,
) -> Result<Accepted> {
    let held = query("SELECT sequence, offer_until, description, log_index FROM nodes WHERE node = ?")
        .bind(node.node.to_vec())
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable("looks up a node"))?;
    if let Some(row) = held {
        if bytes(&row, "description")? == node.description {
            return Ok(Accepted::Duplicate { log_index: number(&row, "log_index")? });
        }
        let held: u64 = number(&row, "sequence")?;
        if (node.sequence, node.offer_until) <= (held, number(&row, "offer_until")?) {
            return Err(Error::Stale { held, offered: node.sequence });
        }
    }
    let log_index = log::append(connection, frontier, vec![node.entry]).await?.first;
    let seen = integer("time", node.seen)?;
    query(
        "INSERT INTO nodes (node, provider, organisation, descriptor_digest, sequence, offer_until, description, \
         first_seen, last_seen, log_index, model) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10) \
         ON CONFLICT (node) DO UPDATE SET provider = ?2, organisation = ?3, descriptor_digest = ?4, sequence = ?5, \
         offer_until = ?6, description = ?7, last_seen = ?8, log_index = ?9, model = ?10",
    )
    .bind(node.node.to_vec())
    .bind(node.provider.to_vec())
    .bind(node.organisation.map(|key| key.to_vec()))
    .bind(node.descriptor_digest.to_vec())
    .bind(integer("sequence", node.sequence)?)
    .bind(integer("offer's end", node.offer_until)?)
    .bind(node.description)
    .bind(seen)
    .bind(integer("log index", log_index)?)
    .bind(node.model)
    .execute(connection)
    .await
    .map_err(unavailable("holds a node"))?;
    Ok(Accepted::New { log_index })
}

/// Holds a registration that holds longer than the one that is held.
pub(super) async fn register_fisher(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    fisher: Fisher,
) -> Result<Accepted> {
    let held = query("SELECT valid_until, registration, log_index FROM fishers WHERE fisher = ?")
        .bind(fisher.fisher.to_vec())
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable("looks up a fisher"))?;
    if let Some(row) = held {
        if bytes(&row, "registration")? == fisher.registration {
            return Ok(Accepted::Duplicate { log_index: number(&row, "log_index")? });
        }
        let held: u64 = number(&row, "valid_until")?;
        if fisher.valid_until <= held {
            return Err(Error::Stale { held, offered: fisher.valid_until });
        }
    }
    let log_index = log::append(connection, frontier, vec![fisher.entry]).await?.first;
    assignments::hold_chain(connection, fisher.fisher, fisher.chain).await?;
    query(
        "INSERT INTO fishers (fisher, report_key, valid_until, registration, log_index) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (fisher) DO UPDATE SET report_key = ?2, valid_until = ?3, registration = ?4, log_index = ?5",
    )
    .bind(fisher.fisher.to_vec())
    .bind(fisher.report_key.to_vec())
    .bind(integer("registration's end", fisher.valid_until)?)
    .bind(fisher.registration)
    .bind(integer("log index", log_index)?)
    .execute(connection)
    .await
    .map_err(unavailable("holds a fisher"))?;
    Ok(Accepted::New { log_index })
}

/// Holds a relay's registration that holds longer than the one that is held, by the same owner.
pub(super) async fn register_relay(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    relay: Relay,
) -> Result<Accepted> {
    let held = query("SELECT owner, valid_until, registration, log_index FROM relays WHERE relay = ?")
        .bind(relay.relay.to_vec())
        .fetch_optional(&mut *connection)
        .await
        .map_err(unavailable("looks up a relay"))?;
    if let Some(row) = held {
        if bytes(&row, "registration")? == relay.registration {
            return Ok(Accepted::Duplicate { log_index: number(&row, "log_index")? });
        }
        if fixed::<20>(&row, "owner")? != relay.owner {
            return Err(Error::RelayOwned(relay.relay));
        }
        let held: u64 = number(&row, "valid_until")?;
        if relay.valid_until <= held {
            return Err(Error::Stale { held, offered: relay.valid_until });
        }
    }
    let log_index = log::append(connection, frontier, vec![relay.entry]).await?.first;
    query(
        "INSERT INTO relays (relay, owner, valid_until, registration, log_index) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (relay) DO UPDATE SET valid_until = ?3, registration = ?4, log_index = ?5",
    )
    .bind(relay.relay.to_vec())
    .bind(relay.owner.to_vec())
    .bind(integer("registration's end", relay.valid_until)?)
    .bind(relay.registration)
    .bind(integer("log index", log_index)?)
    .execute(connection)
    .await
    .map_err(unavailable("holds a relay"))?;
    Ok(Accepted::New { log_index })
}

/// A node's newest description.
pub(super) async fn node(readers: &SqlitePool, node: Digest) -> Result<Option<NodeRow>> {
    let row = query("SELECT * FROM nodes WHERE node = ?")
        .bind(node.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a node"))?;
    row.as_ref().map(node_row).transpose()
}

/// Nodes after a key.
pub(super) async fn nodes(readers: &SqlitePool, after: Option<Digest>, limit: u32) -> Result<Vec<NodeRow>> {
    // The empty blob sorts before every key.
    let after = after.map(|key| key.to_vec()).unwrap_or_default();
    let rows = query("SELECT * FROM nodes WHERE node > ? ORDER BY node LIMIT ?")
        .bind(after)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads nodes"))?;
    rows.iter().map(node_row).collect()
}

/// A fisher's newest registration.
pub(super) async fn fisher(readers: &SqlitePool, fisher: Address) -> Result<Option<FisherRow>> {
    let row = query("SELECT * FROM fishers WHERE fisher = ?")
        .bind(fisher.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a fisher"))?;
    row.map(|row| {
        Ok(FisherRow {
            fisher: fixed(&row, "fisher")?,
            report_key: fixed(&row, "report_key")?,
            valid_until: number(&row, "valid_until")?,
            registration: bytes(&row, "registration")?,
        })
    })
    .transpose()
}

/// A relay's newest registration.
pub(super) async fn relay(readers: &SqlitePool, relay: Digest) -> Result<Option<RelayRow>> {
    let row = query("SELECT * FROM relays WHERE relay = ?")
        .bind(relay.to_vec())
        .fetch_optional(readers)
        .await
        .map_err(unavailable("reads a relay"))?;
    row.as_ref().map(relay_row).transpose()
}

/// Relays after a key whose registration holds.
pub(super) async fn relays(readers: &SqlitePool, now: u64, after: Option<Digest>, limit: u32) -> Result<Vec<RelayRow>> {
    let rows = query("SELECT * FROM relays WHERE relay > ? AND valid_until > ? ORDER BY relay LIMIT ?")
        .bind(after.map(|key| key.to_vec()).unwrap_or_default())
        .bind(integer("time", now)?)
        .bind(limit)
        .fetch_all(readers)
        .await
        .map_err(unavailable("reads relays"))?;
    rows.iter().map(relay_row).collect()
}

fn relay_row(row: &SqliteRow) -> Result<RelayRow> {
    Ok(RelayRow {
        relay: fixed(row, "relay")?,
        owner: fixed(row, "owner")?,
        valid_until: number(row, "valid_until")?,
        registration: bytes(row, "registration")?,
    })
}

fn node_row(row: &SqliteRow) -> Result<NodeRow> {
    Ok(NodeRow {
        node: fixed(row, "node")?,
        provider: fixed(row, "provider")?,
        organisation: optional(row, "organisation")?,
        descriptor_digest: fixed(row, "descriptor_digest")?,
        sequence: number(row, "sequence")?,
        description: bytes(row, "description")?,
        first_seen: number(row, "first_seen")?,
        last_seen: number(row, "last_seen")?,
    })
}
