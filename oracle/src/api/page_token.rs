//! Page tokens: where the next page starts, opaque to the client.
//!
//! Owns their encoding: a byte for the list, the key of the last row, a checksum, as base64url. A token names its list and
//! filter, so that one of another list is refused instead of answering nonsense. It carries no authority: the checksum
//! stops damage and guesswork, not an attacker, who could read the same rows anyway.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::error::Error;

/// Bytes of the checksum.
const CHECKSUM: usize = 8;
/// The longest token that is looked at, in characters.
const CHARACTERS_MAX: usize = 128;

/// The last row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// Of all nodes by key.
    Nodes { after: [u8; 32] },
    /// Of all relays by key.
    Relays { after: [u8; 32] },
    /// Of all reputations by key.
    ByNode { after: [u8; 32] },
    /// Of reputations by lower bound, best first.
    ByScore { filter: [u8; 16], low_bps: u16, after: [u8; 32] },
    /// Of all reports, or of one node's, newest first.
    Reports { node: Option<[u8; 32]>, before: u64 },
    /// Of an epoch's schedule by node.
    Schedule { epoch: u64, after: [u8; 32] },
    /// Of cases by place, newest first.
    Cases { filter: [u8; 16], block: u64, log_index: u32 },
    /// Of changed scores by epoch.
    Changes { filter: [u8; 16], epoch: u64, after: [u8; 32] },
    /// Of days, newest first.
    Days { before: u64 },
}

impl Cursor {
    /// The token that starts after this row.
    #[must_use]
    pub(super) fn token(&self) -> String {
        let mut bytes = self.bytes();
        bytes.extend(checksum(&bytes));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a token; the empty one is the start.
    pub(super) fn read(token: &str) -> Result<Option<Self>, Error> {
        if token.is_empty() {
            return Ok(None);
        }
        Self::parse(token).map(Some).ok_or_else(refused)
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Nodes { after } => [&[1], after.as_slice()].concat(),
            Self::Relays { after } => [&[6], after.as_slice()].concat(),
            Self::ByNode { after } => [&[2], after.as_slice()].concat(),
            Self::ByScore { filter, low_bps, after } => {
                [&[3], low_bps.to_be_bytes().as_slice(), filter, after].concat()
            }
            Self::Reports { node: None, before } => [&[4], before.to_be_bytes().as_slice()].concat(),
            Self::Reports { node: Some(node), before } => [&[5], before.to_be_bytes().as_slice(), node].concat(),
            Self::Days { before } => [&[9], before.to_be_bytes().as_slice()].concat(),
            Self::Changes { filter, epoch, after } => [&[10], epoch.to_be_bytes().as_slice(), filter, after].concat(),
            Self::Schedule { epoch, after } => [&[7], epoch.to_be_bytes().as_slice(), after].concat(),
            Self::Cases { filter, block, log_index } => {
                [&[8], block.to_be_bytes().as_slice(), &log_index.to_be_bytes(), filter].concat()
            }
        }
    }

    fn parse(token: &str) -> Option<Self> {
        if token.len() > CHARACTERS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (body, sum) = bytes.split_last_chunk::<CHECKSUM>()?;
        if *sum != checksum(body) {
            return None;
        }
        let (kind, key) = body.split_first()?;
        Some(match kind {
            1 => Self::Nodes { after: key.try_into().ok()? },
            2 => Self::ByNode { after: key.try_into().ok()? },
            3 => {
                let (low, rest) = key.split_first_chunk()?;
                let (filter, after) = rest.split_first_chunk()?;
                Self::ByScore { filter: *filter, low_bps: u16::from_be_bytes(*low), after: after.try_into().ok()? }
            }
            4 => Self::Reports { node: None, before: u64::from_be_bytes(key.try_into().ok()?) },
            5 => {
                let (before, node) = key.split_first_chunk()?;
                Self::Reports { node: Some(node.try_into().ok()?), before: u64::from_be_bytes(*before) }
            }
            6 => Self::Relays { after: key.try_into().ok()? },
            7 => {
                let (epoch, after) = key.split_first_chunk()?;
                Self::Schedule { epoch: u64::from_be_bytes(*epoch), after: after.try_into().ok()? }
            }
            8 => {
                let (block, rest) = key.split_first_chunk()?;
                let (log_index, filter) = rest.split_first_chunk()?;
                let (block, log_index) = (u64::from_be_bytes(*block), u32::from_be_bytes(*log_index));
                Self::Cases { filter: filter.try_into().ok()?, block, log_index }
            }
            10 => {
                let (epoch, rest) = key.split_first_chunk()?;
                let (filter, after) = rest.split_first_chunk()?;
                let epoch = u64::from_be_bytes(*epoch);
                Self::Changes { filter: *filter, epoch, after: after.try_into().ok()? }
            }
            9 => Self::Days { before: u64::from_be_bytes(key.try_into().ok()?) },
            _ => return None,
        })
    }
}

/// The error of a token that is damaged or of another list.
pub(super) fn refused() -> Error {
    Error::field("BAD_PAGE_TOKEN", "page_token", "the page token is damaged or of another list")
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = [0; CHECKSUM];
    let mut hasher = blake3::Hasher::new_derive_key("gpux/page-token/1");
    hasher.update(body).finalize_xof().fill(&mut sum);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSORS: [Cursor; 10] = [
        Cursor::Nodes { after: [7; 32] },
        Cursor::Relays { after: [7; 32] },
        Cursor::ByNode { after: [7; 32] },
        Cursor::ByScore { filter: [5; 16], low_bps: 9_876, after: [255; 32] },
        Cursor::Reports { node: None, before: u64::MAX },
        Cursor::Reports { node: Some([1; 32]), before: 5 },
        Cursor::Schedule { epoch: 7, after: [9; 32] },
        Cursor::Cases { filter: [3; 16], block: u64::MAX, log_index: 7 },
        Cursor::Changes { filter: [2; 16], epoch: u64::MAX, after: [4; 32] },
        Cursor::Days { before: 20_784 },
    ];

    #[test]
    fn tokens_come_back_as_they_went() {
        for cursor in CURSORS {
            assert_eq!(Cursor::read(&cursor.token()), Ok(Some(cursor)));
        }
        assert_eq!(Cursor::read(""), Ok(None));
    }

    #[test]
    fn every_tampered_token_is_refused() {
        for cursor in CURSORS {
            let token = cursor.token();
            for at in 0..token.len() {
                let mut damaged = token.clone().into_bytes();
                damaged[at] = if damaged[at] == b'A' { b'B' } else { b'A' };
                let damaged = String::from_utf8(damaged).unwrap();
                assert_eq!(Cursor::read(&damaged), Err(refused()), "{damaged}");
                assert_eq!(Cursor::read(&token[..at.max(1)]), Err(refused()));
            }
        }
        for garbage in ["=", "ä", "AAAA", &"A".repeat(10_000)] {
            assert_eq!(Cursor::read(garbage), Err(refused()));
        }
    }
}
