//! What each card model is on paper.
//!
//! Owns `data/gpus.csv`, embedded, parsed and validated once: sources stand in its last columns. Figures are vendors'
//! peaks; what hardware reaches with our kernels is the calibration's business. Invariant: names are unique, figures
//! positive and finite; a figure that a model lacks is absent, never zero.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::probe::ProbeId;

const CSV: &str = include_str!("../data/gpus.csv");

/// Dependent random reads a second of one walker over the whole of a card's memory, on paper.
///
/// A pointer chase beyond the caches and translation buffers takes 470 to 700 ns on GDDR6, GDDR6X and HBM alike,
/// folding the cell included: 600 ns, about the same for every model, since it is latency and not bandwidth.
pub const WALK_READS_PER_SECOND: f64 = 1.0 / 600e-9;

/// A card model.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The name that descriptors claim.
    pub name: String,
    /// Major and minor compute capability.
    pub compute_capability: (u8, u8),
    /// Multiprocessors.
    pub multiprocessors: u32,
    /// fp32 operations a second.
    pub fma32_flops: f64,
    /// Dense fp16 tensor operations a second with fp32 accumulators.
    pub hmma_flops: Option<f64>,
    /// Dense int8 tensor operations a second.
    pub imma_ops: Option<f64>,
    /// fp64 operations a second.
    pub fma64_flops: f64,
    /// Bytes on the card.
    pub memory_bytes: u64,
    /// Bytes that a job can fill, estimated.
    pub usable_bytes: u64,
    /// Bytes a second of memory bandwidth.
    pub bandwidth_bytes: f64,
    /// Bytes a second of the bus, one way: its lanes times what one carries.
    pub link_bytes: f64,
}

impl Model {
    /// Returns the figure on paper for a probe's rate; `None` when the model has no such unit or the probe is not a
    /// card's.
    pub fn figure(&self, probe: ProbeId) -> Option<f64> {
        match probe {
            ProbeId::Imma => self.imma_ops,
            ProbeId::Hmma => self.hmma_flops,
            ProbeId::Fma32 => Some(self.fma32_flops),
            ProbeId::Fma64 => Some(self.fma64_flops),
            ProbeId::Vram => Some(WALK_READS_PER_SECOND),
            ProbeId::Stream => Some(self.bandwidth_bytes),
            // A dp4a is eight operations where a multiply-add is two; there from capability 6.1 on, and probed on cards
            // without tensor cores only.
            ProbeId::Dp4a => {
                let probed = self.imma_ops.is_none() && self.compute_capability >= (6, 1);
                probed.then_some(4.0 * self.fma32_flops)
            }
            ProbeId::Link => Some(self.link_bytes),
            ProbeId::Cpu | ProbeId::Ram | ProbeId::Disk | ProbeId::Net => None,
        }
    }
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    compute_capability: String,
    sms: u32,
    fp32_tflops: f64,
    fp16_tensor_dense_fp32acc_tflops: Option<f64>,
    int8_tensor_dense_tops: Option<f64>,
    fp64_tflops: f64,
    memory_gb: f64,
    usable_memory_gib_estimate: f64,
    memory_bandwidth_gbs: f64,
    bus: String,
}

/// Why a catalogue is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file is no such table.
    #[error("the catalogue is no table of models: {0}")]
    Table(#[from] csv::Error),
    /// A row says what cannot be.
    #[error("the catalogue's {name:?} has a wrong {field}")]
    Row {
        /// The model.
        name: String,
        /// The column.
        field: &'static str,
    },
}

/// Bytes a second of "PCIe 4.0 x16", one way: 8 to 32 GT/s a lane, 128 of 130 bits.
fn bus_bytes(bus: &str) -> Option<f64> {
    let (generation, lanes) = bus.strip_prefix("PCIe ")?.split_once(" x")?;
    let transfers = match generation {
        "3.0" => 8e9,
        "4.0" => 16e9,
        "5.0" => 32e9,
        _ => return None,
    };
    let lanes = lanes.parse::<u8>().ok().filter(|lanes| matches!(lanes, 1 | 2 | 4 | 8 | 16))?;
    Some(transfers / 8.0 * 128.0 / 130.0 * f64::from(lanes))
}

fn model(row: Row) -> Result<Model, Error> {
    let wrong = |field| Error::Row { name: row.name.clone(), field };
    let positive = |field, value: f64| if value.is_finite() && value > 0.0 { Ok(value) } else { Err(wrong(field)) };
    let capability = row
        .compute_capability
        .split_once('.')
        .and_then(|(major, minor)| Some((major.parse::<u8>().ok()?, minor.parse::<u8>().ok()?)));
    let tera =
        |field, value: Option<f64>| value.map(|value| positive(field, value).map(|value| value * 1e12)).transpose();
    let memory_bytes = positive("memory_gb", row.memory_gb)? * f64::from(1 << 30);
    let usable_bytes = positive("usable_memory_gib_estimate", row.usable_memory_gib_estimate)? * f64::from(1 << 30);
    if usable_bytes > memory_bytes {
        return Err(wrong("usable_memory_gib_estimate"));
    }
    Ok(Model {
        compute_capability: capability.ok_or_else(|| wrong("compute_capability"))?,
        multiprocessors: row.sms,
        fma32_flops: positive("fp32_tflops", row.fp32_tflops)? * 1e12,
        hmma_flops: tera("fp16_tensor_dense_fp32acc_tflops", row.fp16_tensor_dense_fp32acc_tflops)?,
        imma_ops: tera("int8_tensor_dense_tops", row.int8_tensor_dense_tops)?,
        fma64_flops: positive("fp64_tflops", row.fp64_tflops)? * 1e12,
        memory_bytes: memory_bytes as u64,
        usable_bytes: usable_bytes as u64,
        link_bytes: bus_bytes(&row.bus).ok_or_else(|| wrong("bus"))?,
        bandwidth_bytes: positive("memory_bandwidth_gbs", row.memory_bandwidth_gbs)? * 1e9,
        name: row.name,
    })
}

fn parse(text: &str) -> Result<Vec<Model>, Error> {
    let mut models: Vec<Model> = Vec::new();
    for row in csv::Reader::from_reader(text.as_bytes()).deserialize::<Row>() {
        let model = model(row?)?;
        if model.name.is_empty() || models.iter().any(|known| known.name == model.name) {
            return Err(Error::Row { name: model.name, field: "name" });
        }
        models.push(model);
    }
    Ok(models)
}

static MODELS: LazyLock<Vec<Model>> = LazyLock::new(|| parse(CSV).expect("the embedded catalogue is parsed by a test"));

/// Returns every model, in the catalogue's order.
pub fn models() -> &'static [Model] {
    &MODELS
}

/// Finds a model by its exact name.
pub fn by_name(name: &str) -> Option<&'static Model> {
    MODELS.iter().find(|model| model.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_catalogue_is_complete_and_sane() {
        assert_eq!(parse(CSV).unwrap().len(), 87);
        let card = by_name("GeForce RTX 3060 12 GB").unwrap();
        assert_eq!(card.compute_capability, (8, 6));
        assert_eq!(card.imma_ops, Some(101.9e12));
        assert_eq!(by_name("Tesla P40").unwrap().imma_ops, None);
        assert_eq!(by_name("Tesla P40").unwrap().figure(ProbeId::Dp4a), Some(11.76e12 * 4.0));
        assert!(
            models().iter().all(|model| model.compute_capability != (6, 0) || model.figure(ProbeId::Dp4a).is_none())
        );
        assert!(by_name("GeForce RTX 3060").is_none());
    }

    #[test]
    fn wrong_rows_are_refused() {
        let (header, _) = CSV.split_once('\n').unwrap();
        let row = |name: &str, capability: &str, fp32: &str, usable: &str| {
            format!("{header}\n{name},{capability},1,1,{fp32},,,,,1,8,{usable},1,1,PCIe 3.0 x16,x,x\n")
        };
        assert!(parse(&row("a", "8.6", "1", "7")).is_ok());
        assert!(parse(&row("", "8.6", "1", "7")).is_err());
        assert!(parse(&row("a", "86", "1", "7")).is_err());
        assert!(parse(&row("a", "8.6", "-1", "7")).is_err());
        assert!(parse(&row("a", "8.6", "nan", "7")).is_err());
        assert!(parse(&row("a", "8.6", "1", "9")).is_err());
        let twice = row("a", "8.6", "1", "7");
        assert!(parse(&format!("{twice}{}\n", twice.lines().last().unwrap())).is_err());
    }
}
