//! What a conversation that was walked to its end shows.
//!
//! Owns the step from what was said to the claim that is verified. Never changes the conversation.

use gpux_proto::evidence::DeviceKind;

use super::{Conversation, Said, ensure};
use crate::evidence::Asked;
use crate::key::Key;
use crate::plan::Market;
use crate::session::{Claimed, Draw, Opening};

impl Conversation {
    /// The bytes that the filled cells stand for.
    pub(in crate::evidence) fn resident_bytes(&self) -> u64 {
        let Some(parameters) = &self.parameters else { return 0 };
        let bytes: u128 = self.cells.iter().map(|&cells| parameters.bytes_of_cells(cells)).sum();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    /// The work of each window that ended: what a round is worth may differ between devices.
    pub(in crate::evidence) fn work(&self) -> Vec<u128> {
        let Some(parameters) = &self.parameters else { return Vec::new() };
        let of_window = |rounds: &Vec<u32>| {
            rounds.iter().zip(&self.cells).map(|(r, cells)| parameters.work_per_round(*cells) * u128::from(*r)).sum()
        };
        self.rounds.iter().map(of_window).collect()
    }

    /// Whether the device may answer this probe in this market: simulated devices only in development, host probes only
    /// on the real host.
    pub(in crate::evidence) fn device_fits(&self) -> Result<String, String> {
        let (Some(device), Some(parameters)) = (self.device, &self.parameters) else {
            return Ok("no device answered".into());
        };
        let simulated = device == DeviceKind::Simulated;
        ensure(!simulated || self.asked != Asked::By(Market::Production), || {
            "a simulated device is no evidence outside a development market".into()
        })?;
        let fits = match device {
            DeviceKind::Cpu => parameters.probe.on_host(),
            DeviceKind::Cuda | DeviceKind::Simulated => !parameters.probe.on_host(),
            DeviceKind::Unspecified => false,
        };
        ensure(fits, || format!("{} cannot answer {}", device.as_str_name(), parameters.probe))?;
        ensure(simulated == (parameters.scale > 1), || "only simulated devices compute at a scale".into())?;
        Ok(device.as_str_name().into())
    }

    /// The whole claim, once everything was said.
    pub(in crate::evidence) fn claimed(&self) -> Result<(Claimed, Draw, Vec<Opening>), String> {
        let (Some(parameters), Some(plan)) = (self.parameters, self.plan) else {
            return Err("nothing was prepared".into());
        };
        let claimed = Claimed {
            parameters,
            seeds: self.seeds.clone(),
            fill_seed: self.fill_seed,
            cells: self.cells.clone(),
            rounds: self.rounds.clone(),
            round_roots: self.round_roots.clone(),
            root: self.root,
        };
        claimed.validate().map_err(|error| error.to_string())?;
        self.keys_follow(&claimed)?;
        let draw = Draw { secret: self.secret, head_after_root: self.head_after_root, count: plan.openings };
        Ok((claimed, draw, self.openings.clone()))
    }

    /// Every window's last Pong committed to exactly the rounds that ROOT contains: a count cannot be claimed in time and
    /// computed later.
    fn keys_follow(&self, claimed: &Claimed) -> Said {
        let mut roots = claimed.round_roots.iter();
        for (window, devices) in claimed.rounds.iter().enumerate() {
            for (device, &rounds) in devices.iter().enumerate() {
                let mut key = Key::first(&claimed.seeds[window], device as u32);
                for root in roots.by_ref().take(rounds as usize) {
                    key = key.next(root);
                }
                ensure(self.keys[window][device] == key, || {
                    format!("the Pong of window {window} commits to other rounds of device {device} than ROOT")
                })?;
            }
        }
        Ok(())
    }
}
