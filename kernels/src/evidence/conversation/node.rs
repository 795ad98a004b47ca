//! What the node says: Ready, Pongs, ROOT, roots of rounds, openings.
//!
//! Owns the rules that bind it and the limits of what is kept of its words. Its invariant: whatever breaks one is the host's
//! failure, never a proof by itself.

use gpux_proto::bytes::array;
use gpux_proto::evidence::{self, DeviceKind, JobOutput, Pong, Ready, Root, Window, job_output};
use gpux_proto::frames::{Chains, Side};

use super::{Conversation, Said, Stage, ensure};
use crate::draw::DRAWN_MAX;
use crate::key::Key;
use crate::merkle::PATH_MAX;
use crate::session::{DEVICES_MAX, Opening, ROUNDS_MAX};

impl Conversation {
    /// Hears every message that the node's frames so far complete.
    pub(super) fn node(&mut self, time_us: u64, chains: &Chains) -> Said {
        while let Some(output) =
            self.readers[Side::Node as usize].take::<JobOutput>().map_err(|error| error.to_string())?
        {
            match (self.stage, output.message) {
                (_, Some(job_output::Message::Failure(failure))) => {
                    let word: String = failure.message.chars().filter(|c| !c.is_control()).take(200).collect();
                    return Err(format!("the job says: {word}"));
                }
                (Stage::Ready, Some(job_output::Message::Ready(ready))) => self.ready(&ready)?,
                (Stage::Window, Some(job_output::Message::Pong(pong))) => self.pong(&pong, time_us)?,
                (Stage::Root, Some(job_output::Message::Root(root))) => self.root(&root, chains)?,
                (Stage::Openings, Some(job_output::Message::RoundRoots(roots))) => self.roots(&roots.roots)?,
                (Stage::Openings, Some(job_output::Message::Openings(openings))) => {
                    for opening in openings.openings {
                        self.opening(opening)?;
                    }
                    if openings.last {
                        self.stage = Stage::Done;
                    }
                }
                (stage, _) => return Err(format!("the job spoke out of turn at {stage:?}")),
            }
        }
        Ok(())
    }

    fn ready(&mut self, ready: &Ready) -> Said {
        ensure((1..=DEVICES_MAX).contains(&ready.devices.len()), || format!("{} devices", ready.devices.len()))?;
        let kind = ready.devices[0].kind;
        ensure(ready.devices.iter().all(|device| device.kind == kind), || "devices of several kinds".into())?;
        let kind = i32::try_from(kind).ok().and_then(|kind| DeviceKind::try_from(kind).ok());
        self.device = Some(kind.filter(|kind| *kind != DeviceKind::Unspecified).ok_or("an unknown kind of device")?);
        let allows = |cells| self.parameters.is_some_and(|parameters| parameters.allows_cells(cells));
        if let Some(device) = ready.devices.iter().find(|device| !allows(device.cells)) {
            return Err(format!("a device claims {} cells, the parameters do not allow that", device.cells));
        }
        self.cells = ready.devices.iter().map(|device| device.cells).collect();
        self.stage = Stage::Challenge;
        Ok(())
    }

    fn pong(&mut self, pong: &Pong, time_us: u64) -> Said {
        let waiting = self.waiting.take().ok_or("a Pong without a Ping")?;
        let window = self.seeds.len().saturating_sub(1);
        ensure(pong.nonce == waiting.nonce && pong.window as usize == window, || "a Pong to another Ping".into())?;
        ensure(pong.devices.len() == self.cells.len(), || "a Pong of other devices than Ready's".into())?;
        let rounds: Vec<u32> = pong.devices.iter().map(|device| device.rounds).collect();
        ensure(self.made.iter().zip(&rounds).all(|(before, now)| before <= now), || "rounds fell in a window".into())?;
        self.round_trips += 1;
        if !waiting.last {
            self.made = rounds;
            return Ok(());
        }
        let mut keys = Vec::with_capacity(pong.devices.len());
        for device in &pong.devices {
            keys.push(Key::from_bytes(array("key", &device.key).map_err(|error| error.to_string())?));
        }
        self.windows.push(Window {
            duration_us: time_us.saturating_sub(self.started_us),
            rounds: rounds.iter().map(|&rounds| u64::from(rounds)).sum(),
            round_trips: self.round_trips,
        });
        self.keys.push(keys);
        self.rounds.push(rounds);
        self.stage = Stage::Challenge;
        Ok(())
    }

    fn root(&mut self, root: &Root, chains: &Chains) -> Said {
        self.root = array("root", &root.root).map_err(|error| error.to_string())?;
        ensure(root.rounds == self.rounds.concat(), || "ROOT counts other rounds than the last Pongs".into())?;
        ensure(self.readers[Side::Node as usize].is_empty(), || "bytes after ROOT".into())?;
        self.root_frames = chains.len(Side::Node);
        self.head_after_root = chains.head(Side::Node);
        self.stage = Stage::Reveal;
        Ok(())
    }

    fn roots(&mut self, roots: &[u8]) -> Said {
        let (whole, rest) = roots.as_chunks::<32>();
        let fits = rest.is_empty() && self.round_roots.len() + whole.len() <= ROUNDS_MAX && self.openings.is_empty();
        ensure(fits, || "roots of rounds that are no multiple of 32 bytes, too many or too late".into())?;
        self.round_roots.extend_from_slice(whole);
        Ok(())
    }

    fn opening(&mut self, opening: evidence::Opening) -> Said {
        let (path, rest) = opening.path.as_chunks::<32>();
        let room = self.openings.len() < DRAWN_MAX as usize;
        ensure(room && rest.is_empty() && path.len() <= PATH_MAX, || "an opening out of bounds".into())?;
        let leaf = array("leaf", &opening.leaf).map_err(|error| error.to_string())?;
        self.openings.push(Opening { index: opening.index, leaf, path: path.to_vec() });
        Ok(())
    }
}
