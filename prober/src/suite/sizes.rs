//! Which plan fits on this machine: the market's own, with memory and disk cut to half of what is free now. Pure but for the
//! look at what is free.
use gpux_kernels::{
    ProbeId, Shape,
    device::{Device as _, disk::DiskDevice, host},
    plan::{Deadlines, Market, Plan, plan},
};
use std::{path::Path, time::Duration};

/// The share of free memory that is filled: half, since others run here too. Of a disk it is the device's own half.
const MEMORY_SHARE: u64 = 2;
/// Bytes of a cell of memory, and of a page of a disk.
const CELL_BYTES: u64 = 64;
const PAGE_BYTES: u64 = 4_096;
/// The least that says anything: more than processors cache, more than a disk's controller caches.
const MEMORY_BYTES_MIN: u64 = 128 << 20;
const DISK_BYTES_MIN: u64 = 16 << 20;

/// A self-test waits for slow hardware, since nobody pays for its time: filling 256 GiB takes minutes, and a round of the
/// slowest disk half a minute.
const DEADLINES: Deadlines = Deadlines {
    open: Duration::from_secs(10),
    prepare: Duration::from_secs(1_200),
    pong: Duration::from_secs(120),
    root: Duration::from_secs(120),
    openings: Duration::from_secs(600),
};

/// How long and how thoroughly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// Windows of half a second and little memory: it shows that everything works, and figures to within a tenth or so.
    Quick,
    /// As fishers of a production market probe.
    Full,
}

/// What may be filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of main memory.
    pub memory_bytes: u64,
    /// Bytes of the disk.
    pub disk_bytes: u64,
}

/// A probe does not fit here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// No version of this program runs it on a device.
    #[error("{0} is measured against an end point, not on a device")]
    NoPlan(ProbeId),
    /// Too little memory is free.
    #[error("{} MiB of main memory may be filled (half of what is free), {} MiB are needed", .0 >> 20, MEMORY_BYTES_MIN >> 20)]
    Memory(u64),
    /// Too little disk is free.
    #[error("{} MiB of the disk may be filled (half of what is free), {} MiB are needed", .0 >> 20, DISK_BYTES_MIN >> 20)]
    Disk(u64),
}

impl Limits {
    /// Looks at what is free now. A disk that does not say so gets no limit here: opening it tells why.
    #[must_use]
    pub fn now(folder: &Path) -> Self {
        Self {
            memory_bytes: host::available_memory_bytes().unwrap_or(0) / MEMORY_SHARE,
            disk_bytes: DiskDevice::new(folder).map_or(u64::MAX, |disk| disk.info().usable_bytes),
        }
    }
}

/// The plan of a probe on a machine with these limits.
pub fn fitted(probe: ProbeId, length: Length, limits: &Limits) -> Result<Plan, Unfit> {
    let market = |market| plan(probe, market).ok_or(Unfit::NoPlan(probe));
    let (production, development) = (market(Market::Production)?, market(Market::Development)?);
    let mut fitted = match length {
        Length::Full => production,
        // A development market's cards are simulated, its hosts are real.
        Length::Quick if probe.on_host() => development,
        Length::Quick => Plan { window: development.window, ..production },
    };
    match &mut fitted.parameters.shape {
        Shape::Walk { cells, .. } if probe.on_host() => {
            let asked = if *cells == 0 { u64::MAX } else { *cells * CELL_BYTES };
            let bytes = asked.min(limits.memory_bytes);
            if bytes < MEMORY_BYTES_MIN {
                return Err(Unfit::Memory(limits.memory_bytes));
            }
            *cells = bytes / CELL_BYTES;
        }
        Shape::Pages { pages, .. } => {
            let bytes = (*pages * PAGE_BYTES).min(limits.disk_bytes);
            if bytes < DISK_BYTES_MIN {
                return Err(Unfit::Disk(limits.disk_bytes));
            }
            *pages = bytes / PAGE_BYTES;
        }
        _ => {}
    }
    Ok(Plan { deadlines: DEADLINES, ..fitted })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { memory_bytes: 3 << 30, disk_bytes: 1 << 30 };

    fn shape(probe: ProbeId, length: Length, limits: Limits) -> Result<Shape, Unfit> {
        let plan = fitted(probe, length, &limits)?;
        plan.parameters.validate().unwrap();
        Ok(plan.parameters.shape)
    }

    #[test]
    fn memory_and_disk_stay_within_their_limits() {
        let Ok(Shape::Walk { cells, .. }) = shape(ProbeId::Ram, Length::Full, LIMITS) else { panic!("no walk") };
        assert_eq!(cells * 64, 3 << 30);
        let Ok(Shape::Pages { pages, .. }) = shape(ProbeId::Disk, Length::Full, LIMITS) else { panic!("no pages") };
        assert_eq!(pages * 4_096, 1 << 30);
        let roomy = Limits { disk_bytes: 1 << 50, ..LIMITS };
        let Ok(Shape::Pages { pages, .. }) = shape(ProbeId::Disk, Length::Full, roomy) else { panic!("no pages") };
        assert_eq!(pages * 4_096, 4 << 30, "not more than a market asks for");
        let Ok(Shape::Walk { cells, .. }) = shape(ProbeId::Ram, Length::Quick, LIMITS) else { panic!("no walk") };
        assert_eq!(cells * 64, 128 << 20);
    }

    #[test]
    fn too_little_is_said_and_not_measured() {
        let little = Limits { memory_bytes: 100 << 20, disk_bytes: 8 << 20 };
        assert_eq!(shape(ProbeId::Ram, Length::Quick, little), Err(Unfit::Memory(100 << 20)));
        let refused = shape(ProbeId::Disk, Length::Quick, little).unwrap_err();
        assert_eq!(refused.to_string(), "8 MiB of the disk may be filled (half of what is free), 16 MiB are needed");
        assert_eq!(shape(ProbeId::Net, Length::Quick, little), Err(Unfit::NoPlan(ProbeId::Net)));
    }

    #[test]
    fn cards_are_real_even_when_it_is_quick() {
        for probe in super::super::OF_CARDS {
            let (quick, full) = (fitted(probe, Length::Quick, &LIMITS), fitted(probe, Length::Full, &LIMITS));
            let (quick, full) = (quick.unwrap(), full.unwrap());
            assert_eq!(quick.parameters, full.parameters);
            assert!(quick.window < full.window && quick.parameters.scale == 1);
        }
    }
}
