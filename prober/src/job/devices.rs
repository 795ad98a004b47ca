//! Which devices a job uses. File descriptor 3, outside J, is how a development market's node lends a simulated card; without
//! it GPU probes run on all cards of the machine, and probes of the host on its own cores, memory and disk. Never falls
//! back: a GPU probe without a GPU is a failure, not a slow answer.
use super::Devices;
use gpux_kernels::{
    Parameters, ProbeId,
    device::{self, Device, cpu::CpuDevice, cuda, disk::DiskDevice, host, paced::PacedClient},
    release::Modules,
};
use std::path::Path;

/// Chooses the devices for a probe.
pub fn choose(parameters: &Parameters) -> Devices {
    // A worker that was built wrong says so at once, whatever it is asked to probe.
    Modules::embedded()?;
    if parameters.probe == ProbeId::Disk {
        // The job's working directory is on the disk that the node rents out.
        return Ok(vec![Box::new(DiskDevice::new(Path::new("."))?)]);
    }
    if parameters.probe.on_host() {
        return Ok(vec![Box::new(CpuDevice::new(host::threads()))]);
    }
    match PacedClient::from_fd3()? {
        Some(card) => Ok(vec![Box::new(card)]),
        None => cards(),
    }
}

/// The machine's own cards, all of them; an error where there is none.
pub fn cards() -> Devices {
    let cards = cuda::devices().map_err(device::Error::from)?;
    Ok(cards.into_iter().map(|card| Box::new(card) as Box<dyn Device>).collect())
}
