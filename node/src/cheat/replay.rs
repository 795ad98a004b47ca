//! A host that runs a probe once and from then on sends what it has recorded, with the same delays: right in form and
//! pace, wrong for every new seed and draw. Tapes are told apart by the probe's parameters.
use gpux_proto::{
    evidence::{JobInput, job_input},
    stream::Reader,
};
use prost::Message as _;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::time::Instant;

/// A market has a handful of probes.
const TAPES_MAX: usize = 16;
const TAPE_BYTES_MAX: usize = 4 << 20;

/// Recorded sessions by the parameters of their probe.
pub(super) type Tapes = BTreeMap<Vec<u8>, Arc<Vec<Piece>>>;

/// A piece of recorded output.
#[derive(Debug)]
pub(super) struct Piece {
    /// Input frames that came before it.
    inputs: u64,
    /// How long after the last of them it came.
    delay: Duration,
    data: Vec<u8>,
}

/// The frames of one session.
#[derive(Debug)]
pub(crate) struct Player {
    tapes: Tapes,
    reader: Reader,
    parameters: Option<Vec<u8>>,
    played: Option<Arc<Vec<Piece>>>,
    position: usize,
    recorded: Vec<Piece>,
    bytes: usize,
    inputs: u64,
    last_input: Instant,
}

impl Player {
    pub(super) fn new(tapes: Tapes) -> Self {
        let (reader, last_input) = (Reader::default(), Instant::now());
        let (recorded, parameters, played) = (Vec::new(), None, None);
        Self { tapes, reader, parameters, played, position: 0, recorded, bytes: 0, inputs: 0, last_input }
    }

    pub(super) fn input(&mut self, data: &[u8]) -> bool {
        (self.inputs, self.last_input) = (self.inputs + 1, Instant::now());
        if self.parameters.is_none() {
            self.reader.push(data);
            if let Ok(Some(JobInput { message: Some(job_input::Message::Prepare(prepare)) })) = self.reader.take() {
                let parameters = prepare.parameters.unwrap_or_default().encode_to_vec();
                self.played = self.tapes.get(&parameters).cloned();
                self.parameters = Some(parameters);
            }
        }
        self.played.is_none()
    }

    pub(super) fn output(&mut self, data: &[u8]) -> bool {
        if self.played.is_some() {
            return false;
        }
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes <= TAPE_BYTES_MAX {
            let delay = self.last_input.elapsed();
            self.recorded.push(Piece { inputs: self.inputs, delay, data: data.to_vec() });
        }
        true
    }

    /// Waits for the next piece of the tape. Cancelling it loses nothing.
    pub(super) async fn due(&mut self) -> Vec<u8> {
        let next = self.played.as_ref().and_then(|tape| tape.get(self.position));
        match next {
            Some(piece) if piece.inputs <= self.inputs => {
                tokio::time::sleep_until(self.last_input + piece.delay).await;
                let data = piece.data.clone();
                self.position += 1;
                data
            }
            _ => std::future::pending().await,
        }
    }

    pub(super) fn remember(self, tapes: &mut Tapes) {
        let Some(parameters) = self.parameters.filter(|_| self.played.is_none()) else { return };
        if self.bytes <= TAPE_BYTES_MAX && tapes.len() < TAPES_MAX {
            tapes.entry(parameters).or_insert_with(|| Arc::new(self.recorded));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpux_proto::{
        evidence::{Parameters, Prepare, Probe},
        stream::encode,
    };

    fn prepare(probe: Probe) -> Vec<u8> {
        let parameters = Parameters { probe: probe.into(), ..Default::default() };
        let prepare = Prepare { parameters: Some(parameters), seed: vec![0; 32] };
        encode(&JobInput { message: Some(job_input::Message::Prepare(prepare)) })
    }

    #[tokio::test]
    async fn the_second_session_of_a_probe_hears_the_first() {
        let mut tapes = Tapes::default();
        let mut first = Player::new(tapes.clone());
        assert!(first.input(&prepare(Probe::Imma)));
        assert!(first.output(b"ready"));
        first.remember(&mut tapes);
        let mut second = Player::new(tapes.clone());
        assert!(!second.input(&prepare(Probe::Imma)), "the job is not asked");
        assert!(!second.output(b"its own"));
        assert_eq!(second.due().await, b"ready");
        assert!(Player::new(tapes).input(&prepare(Probe::Vram)), "another probe is recorded first");
    }
}
