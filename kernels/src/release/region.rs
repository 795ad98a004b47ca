//! Where a worker holds its modules: one region of the executable's read-only data, put together by `build.rs`.
//!
//! | bytes | released | built with a variant |
//! | --- | --- | --- |
//! | 32 | a marker, by which the region is found | noise |
//! | 32 | zeros | the variant |
//! | 4 | how many bytes follow | the same, masked |
//! | 4 | length of the pack | the same, masked |
//! | n | the pack, then zeros | pack and zeros, masked |
//!
//! Masked: added to a key stream of the variant, so that two built workers share no byte of a module that is not chance,
//! and a built one holds no module in the clear. The worker knows the region's place and needs no marker.

use std::hint::black_box;
use std::ops::Range;

use super::modules::Modules;
use super::random::Random;
use super::{Error, IDENTITY};

/// A static and no constant: it has one place in the executable, where other bytes may stand than the compiler saw.
static REGION: [u8; REGION_BYTES] = *include_bytes!(concat!(env!("OUT_DIR"), "/region.bin"));
const REGION_BYTES: usize = include_bytes!(concat!(env!("OUT_DIR"), "/region.bin")).len();

/// Marker and variant.
const HEAD_BYTES: usize = 64;
/// The two lengths.
const LENGTHS_BYTES: usize = 8;

/// The running program's modules. The compiler must not take the bytes that it saw for those that will be there.
pub(super) fn embedded() -> Result<Modules, Error> {
    read(black_box(&REGION[..]))
}

/// The marker. It is computed and stands nowhere else in a program that looks for it.
fn marker() -> [u8; 32] {
    blake3::derive_key("gpux/release/region/1", &[])
}

/// Adds the key stream; twice leaves the bytes as they were.
fn mask(bytes: &mut [u8], variant: &[u8; 32]) {
    let mut stream = Random::new(variant, "mask");
    bytes.iter_mut().for_each(|byte| *byte ^= u8::from_le_bytes(stream.bytes()));
}

/// Reads a region, released or built.
pub(super) fn read(region: &[u8]) -> Result<Modules, Error> {
    let (head, body) = region.split_at_checked(HEAD_BYTES).ok_or(Error::Pack("there is no room for one"))?;
    let variant = head.last_chunk().copied().unwrap_or(IDENTITY);
    if variant == IDENTITY {
        return Modules::decode(pack(body)?);
    }
    let mut body = body.to_vec();
    mask(&mut body, &variant);
    Modules::decode(pack(&body)?)
}

/// The pack in a region's unmasked body.
fn pack(body: &[u8]) -> Result<&[u8], Error> {
    let lengths = body.first_chunk::<LENGTHS_BYTES>().ok_or(Error::Pack("there is no room for one"))?;
    let [a, b, c, d, e, f, g, h] = *lengths;
    let (follow, length) = (u32::from_le_bytes([a, b, c, d]) as usize, u32::from_le_bytes([e, f, g, h]) as usize);
    let whole = body.len().checked_sub(4) == Some(follow);
    let end = LENGTHS_BYTES.checked_add(length).filter(|_| whole);
    end.and_then(|end| body.get(LENGTHS_BYTES..end)).ok_or(Error::Pack("its length is wrong"))
}

/// Finds the region of a released worker; `None` if it has none, as a worker of an older version.
pub(super) fn find(release: &[u8]) -> Result<Option<(Range<usize>, Modules)>, Error> {
    let marker = marker();
    let mut places = release.windows(marker.len()).enumerate().filter(|(_, window)| *window == marker);
    let Some((start, _)) = places.next() else { return Ok(None) };
    if places.next().is_some() {
        return Err(Error::Pack("there are two places for one"));
    }
    let lengths = start + HEAD_BYTES;
    let follow =
        release.get(lengths..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let end = (lengths + 4).saturating_add(follow as usize);
    let region = release.get(start..end).ok_or(Error::Pack("it ends early"))?;
    let modules = read(region)?;
    Ok(Some((start..end, modules)))
}

/// The region of a worker that is built with a variant.
pub(super) fn fill(size: usize, modules: &Modules, variant: &[u8; 32]) -> Result<Vec<u8>, Error> {
    let pack = modules.vary(variant)?.encode();
    let room = size.saturating_sub(HEAD_BYTES + LENGTHS_BYTES);
    if pack.len() > room {
        return Err(Error::NoRoom { needed: pack.len(), room });
    }
    let mut region = Random::new(variant, "noise").bytes::<32>().to_vec();
    region.extend(variant);
    region.extend((size.saturating_sub(HEAD_BYTES + 4) as u32).to_le_bytes());
    region.extend((pack.len() as u32).to_le_bytes());
    region.extend(pack);
    region.resize(size, 0);
    mask(&mut region[HEAD_BYTES..], variant);
    Ok(region)
}

#[cfg(test)]
pub(super) fn released(modules: &Modules, room: usize) -> Vec<u8> {
    let pack = modules.encode();
    let mut region = marker().to_vec();
    region.extend(IDENTITY);
    region.extend(((4 + pack.len() + room) as u32).to_le_bytes());
    region.extend((pack.len() as u32).to_le_bytes());
    region.extend(&pack);
    region.resize(HEAD_BYTES + LENGTHS_BYTES + pack.len() + room, 0);
    region
}
