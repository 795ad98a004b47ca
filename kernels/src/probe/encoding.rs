//! The canonical bytes of parameters: what is digested and what the simulated device reads.
//!
//! One encoding for one value: version u8 = 1, probe u8, scale u64, then the fields of the shape that the probe takes,
//! all little-endian and of fixed length. Never accepts trailing or missing bytes.

use super::{Error, Parameters, ProbeId, Shape};

const VERSION: u8 = 1;

pub(super) fn encode(parameters: &Parameters) -> Vec<u8> {
    let mut bytes = vec![VERSION, parameters.probe.number()];
    bytes.extend(parameters.scale.to_le_bytes());
    match parameters.shape {
        Shape::Product { n, k, tile } => [n, k, tile].iter().for_each(|field| bytes.extend(field.to_le_bytes())),
        Shape::Chains { lanes, steps } => [lanes, steps].iter().for_each(|field| bytes.extend(field.to_le_bytes())),
        Shape::Walk { cells, walkers, steps, hard } => {
            bytes.extend(cells.to_le_bytes());
            [walkers, steps, hard].iter().for_each(|field| bytes.extend(field.to_le_bytes()));
        }
        Shape::Pass { blocks } => bytes.extend(blocks.to_le_bytes()),
        Shape::Link { blocks, trips } => [blocks, trips].iter().for_each(|field| bytes.extend(field.to_le_bytes())),
        Shape::Pages { pages, walkers, steps } => {
            bytes.extend(pages.to_le_bytes());
            [walkers, steps].iter().for_each(|field| bytes.extend(field.to_le_bytes()));
        }
    }
    bytes
}

/// Takes fixed-length integers off the front.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk::<N>()?;
        self.0 = tail;
        Some(*head)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }
}

pub(super) fn decode(bytes: &[u8]) -> Result<Parameters, Error> {
    let malformed = || Error::Malformed(bytes.len());
    let mut reader = Reader(bytes);
    let [version, number] = reader.take().ok_or_else(malformed)?;
    if version != VERSION {
        return Err(malformed());
    }
    let probe = ProbeId::try_from(number)?;
    let parameters = fields(&mut reader, probe).ok_or_else(malformed)?;
    if reader.0.is_empty() { Ok(parameters) } else { Err(malformed()) }
}

fn fields(reader: &mut Reader<'_>, probe: ProbeId) -> Option<Parameters> {
    let scale = reader.u64()?;
    let shape = match probe {
        ProbeId::Imma | ProbeId::Hmma => Shape::Product { n: reader.u32()?, k: reader.u32()?, tile: reader.u32()? },
        ProbeId::Fma32 | ProbeId::Fma64 | ProbeId::Dp4a | ProbeId::Cpu => {
            Shape::Chains { lanes: reader.u32()?, steps: reader.u32()? }
        }
        ProbeId::Vram | ProbeId::Ram => {
            Shape::Walk { cells: reader.u64()?, walkers: reader.u32()?, steps: reader.u32()?, hard: reader.u32()? }
        }
        ProbeId::Stream => Shape::Pass { blocks: reader.u32()? },
        ProbeId::Link => Shape::Link { blocks: reader.u32()?, trips: reader.u32()? },
        ProbeId::Disk => Shape::Pages { pages: reader.u64()?, walkers: reader.u32()?, steps: reader.u32()? },
        ProbeId::Net => return None,
    };
    Some(Parameters { probe, shape, scale })
}
