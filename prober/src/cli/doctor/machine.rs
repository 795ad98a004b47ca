//! The machine: cards and their driver, memory, disk.
use super::Finding;
use crate::cli::output::amount;
use gpux_kernels::{
    Key,
    device::{Device as _, cuda, disk::DiskDevice, host},
    plan::{Market, plan},
    probe::ProbeId,
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Where Linux lists what is on the bus.
const BUS: &str = "/sys/bus/pci/devices";
/// NVIDIA's number, and the class of display controllers, as the bus names them.
const VENDOR: &str = "0x10de";
const DISPLAY: &str = "0x03";
/// Memory that the smallest probe of it fills, with as much again for everybody else.
const MEMORY_BYTES_MIN: u64 = 256 << 20;
/// What a fisher writes in a month: keys, a journal, reports that wait.
const DISK_BYTES_MIN: u64 = 1 << 30;
/// A disk that takes longer for the 64 MiB of the smallest probe of it delays reports.
const DISK_WRITE_MAX: Duration = Duration::from_secs(5);

/// Looks at all of them.
pub(super) async fn findings(folder: &Path) -> Vec<Finding> {
    let folder = folder.to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        vec![cards(&cuda::devices(), on_bus(BUS.as_ref())), memory(), disk(&folder)]
    });
    looked.await.unwrap_or_default()
}

/// Cards that the bus shows, whether or not a driver drives them.
fn on_bus(bus: &Path) -> usize {
    let says = |device: &PathBuf, file: &str, start: &str| {
        fs::read_to_string(device.join(file)).is_ok_and(|text| text.starts_with(start))
    };
    let devices = fs::read_dir(bus).into_iter().flatten().flatten().map(|entry| entry.path());
    devices.filter(|device| says(device, "vendor", VENDOR) && says(device, "class", DISPLAY)).count()
}

fn cards(found: &Result<Vec<cuda::CudaDevice>, cuda::Error>, on_bus: usize) -> Finding {
    const NAME: &str = "driver and CUDA";
    match (found, on_bus) {
        (Ok(cards), _) => {
            let names = cards.iter().map(|card| card.properties().name.clone()).collect::<Vec<_>>().join(", ");
            let driver = cards.first().map_or((0, 0), |card| card.properties().driver);
            Finding::ok(NAME, format!("{names}; driver for CUDA {}.{}", driver.0, driver.1))
        }
        (Err(cuda::Error::NoDriver), 0) => Finding::warn(
            NAME,
            "no NVIDIA card and no driver here",
            "nothing, if this machine only verifies: probing nodes needs no card. In a container, start it with its GPUs",
        ),
        (Err(cuda::Error::NoDriver), cards) => Finding::fail(
            NAME,
            format!("{cards} NVIDIA cards on the bus, but libcuda is not there"),
            "install NVIDIA's driver; in a container, start it with --gpus all and the NVIDIA container toolkit",
        ),
        (Err(error), _) => Finding::fail(NAME, error, "see what nvidia-smi says, and update the driver"),
    }
}

fn memory() -> Finding {
    const NAME: &str = "memory";
    match host::available_memory_bytes() {
        None => Finding::warn(NAME, "this system does not say how much is free", "probe memory on Linux"),
        Some(free) if free < MEMORY_BYTES_MIN => {
            let found = format!("{} free", amount(free as f64, "B"));
            Finding::fail(NAME, found, "end other programs, or raise the container's limit, to 256 MiB at least")
        }
        Some(free) => Finding::ok(NAME, format!("{} free", amount(free as f64, "B"))),
    }
}

/// Writes what the smallest probe of a disk writes, and takes it away.
fn disk(folder: &Path) -> Finding {
    const NAME: &str = "disk";
    let place = folder.display();
    let refused = |error: &dyn std::fmt::Display| {
        Finding::fail(NAME, format!("{place}: {error}"), "name a folder of your own that exists (--data)")
    };
    let Some(parameters) = plan(ProbeId::Disk, Market::Development).map(|plan| plan.parameters) else {
        return Finding::skipped(NAME, "nothing");
    };
    let mut disk = match DiskDevice::new(folder) {
        Ok(disk) => disk,
        Err(error) => return refused(&error),
    };
    // Half of what is free is usable.
    let free = disk.info().usable_bytes.saturating_mul(2);
    let full = |found: String| Finding::fail(NAME, found, "free a gigabyte, or name another folder (--data)");
    let bytes = parameters.bytes_of_cells(parameters.cells_for(0)) as u64;
    if free / 2 < bytes {
        return full(format!("{} free in {place}", amount(free as f64, "B")));
    }
    let start = Instant::now();
    if let Err(error) = disk.prepare(&parameters, &Key::fill(&[0; 32], 0)) {
        return refused(&error);
    }
    let took = start.elapsed();
    let rate = amount(gpux_kernels::measure::rate(bytes.into(), took), "B/s");
    let found = format!("{} free in {place}, writes {rate}", amount(free as f64, "B"));
    match (free < DISK_BYTES_MIN, took > DISK_WRITE_MAX) {
        (true, _) => full(found),
        (false, true) => Finding::warn(NAME, found, "reports may be late: keep the data on a faster disk (--data)"),
        (false, false) => Finding::ok(NAME, found),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    #[test]
    fn a_card_without_a_driver_is_told_from_no_card_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let device = |name: &str, vendor: &str, class: &str| {
            let path = folder.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join("vendor"), vendor).unwrap();
            fs::write(path.join("class"), class).unwrap();
        };
        device("a", "0x8086\n", "0x030000\n");
        device("b", "0x10de\n", "0x040300\n");
        assert_eq!(on_bus(folder.path()), 0, "another vendor's card, and a card's sound");
        device("c", "0x10de\n", "0x030200\n");
        assert_eq!(on_bus(folder.path()), 1);
        assert_eq!(on_bus("/nowhere".as_ref()), 0);
        assert_eq!(cards(&Err(cuda::Error::NoDriver), 0).state, State::Warn);
        assert_eq!(cards(&Err(cuda::Error::NoDriver), 1).state, State::Fail);
        assert_eq!(cards(&Err(cuda::Error::NoCard), 0).state, State::Fail);
    }

    #[test]
    fn a_folder_that_is_missing_or_no_folder_fails_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for bad in [file, "/nowhere/at/all".into()] {
            let found = disk(&bad);
            assert_eq!(found.state, State::Fail);
            assert!(found.found.starts_with(&bad.display().to_string()) && !found.remedy.is_empty(), "{found:?}");
        }
        let found = disk(folder.path());
        assert!(found.state != State::Skipped && found.found.contains("free in"), "{found:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "something was left behind");
    }
}
