use super::*;
use crate::session::fixture::{cpu, paced};
use gpux_kernels::{
    Key, ProbeId, Shape, draw,
    plan::{Market, plan},
    session::{self, Claimed, Draw},
};
use gpux_proto::evidence::{self, Finish};
use std::os::unix::net::UnixStream;

/// The fisher's end of a job's streams.
struct Fisher {
    stream: UnixStream,
    reader: stream::Reader,
    job: thread::JoinHandle<Result<(), Error>>,
}

impl Fisher {
    fn start(choose: Chooser) -> Self {
        let (stream, theirs) = UnixStream::pair().unwrap();
        let job = thread::spawn(move || serve(theirs.try_clone().unwrap(), theirs, choose));
        Self { stream, reader: stream::Reader::default(), job }
    }

    fn tell(&mut self, message: job_input::Message) {
        self.stream.write_all(&stream::encode(&JobInput { message: Some(message) })).unwrap();
    }

    fn hear(&mut self) -> job_output::Message {
        let mut buffer = [0; 4_096];
        loop {
            if let Some(output) = self.reader.take::<JobOutput>().unwrap() {
                return output.message.unwrap();
            }
            let count = self.stream.read(&mut buffer).unwrap();
            assert!(count > 0, "the job ended");
            self.reader.push(&buffer[..count]);
        }
    }

    fn failure(&mut self) -> String {
        match self.hear() {
            job_output::Message::Failure(failure) => failure.message,
            other => panic!("{other:?} is no failure"),
        }
    }
}

const FILL: [u8; 32] = [5; 32];
const DRAW: Draw = Draw { secret: [8; 32], head_after_root: [9; 32], count: 12 };

fn prepare(parameters: &Parameters) -> job_input::Message {
    let parameters = Some(evidence::Parameters::from(parameters));
    job_input::Message::Prepare(Prepare { parameters, seed: FILL.to_vec() })
}

/// Holds a whole conversation and returns what the job claims.
fn converse(parameters: Parameters, choose: Chooser) -> (Claimed, Vec<session::Opening>) {
    let mut fisher = Fisher::start(choose);
    fisher.tell(prepare(&parameters));
    let job_output::Message::Ready(ready) = fisher.hear() else { panic!("not Ready") };
    let cells = ready.devices.iter().map(|device| device.cells).collect();
    let seeds = vec![[1; 32], [2; 32]];
    let mut rounds = Vec::new();
    for (window, seed) in (0..).zip(&seeds) {
        fisher.tell(job_input::Message::Challenge(Challenge { window, seed: seed.to_vec() }));
        for nonce in 0..4 {
            thread::sleep(std::time::Duration::from_millis(30));
            fisher.tell(job_input::Message::Ping(Ping { nonce, last: nonce == 3 }));
            let job_output::Message::Pong(pong) = fisher.hear() else { panic!("not Pong") };
            assert_eq!((pong.nonce, pong.window), (nonce, window));
            if nonce == 3 {
                rounds.push(pong.devices.iter().map(|device| device.rounds).collect::<Vec<u32>>());
            }
        }
    }
    fisher.tell(job_input::Message::Finish(Finish {}));
    let job_output::Message::Root(root) = fisher.hear() else { panic!("not Root") };
    assert_eq!(root.rounds, rounds.concat());
    let (secret, head) = (DRAW.secret.to_vec(), DRAW.head_after_root.to_vec());
    fisher.tell(job_input::Message::Reveal(Reveal { secret, head, openings: DRAW.count }));
    let (round_roots, openings) = opened(&mut fisher);
    fisher.stream.shutdown(std::net::Shutdown::Write).unwrap();
    fisher.job.join().unwrap().unwrap();
    let root = array("root", &root.root).unwrap();
    (Claimed { parameters, seeds, fill_seed: FILL, cells, rounds, round_roots, root }, openings)
}

fn opened(fisher: &mut Fisher) -> (Vec<Digest>, Vec<session::Opening>) {
    let (mut roots, mut openings) = (Vec::new(), Vec::new());
    loop {
        match fisher.hear() {
            job_output::Message::RoundRoots(piece) => roots.extend_from_slice(piece.roots.as_chunks::<32>().0),
            job_output::Message::Openings(piece) => {
                for opening in &piece.openings {
                    let leaf = array("leaf", &opening.leaf).unwrap();
                    let path = opening.path.as_chunks::<32>().0.to_vec();
                    openings.push(session::Opening { index: opening.index, leaf, path });
                }
                if piece.last {
                    return (roots, openings);
                }
            }
            other => panic!("{other:?}"),
        }
    }
}

fn verified(parameters: Parameters, choose: Chooser) {
    let (claimed, openings) = converse(parameters, choose);
    assert!(claimed.rounds.iter().flatten().all(|rounds| *rounds > 0), "{:?}", claimed.rounds);
    let drawn = draw(&DRAW.secret, &DRAW.head_after_root, claimed.units(), DRAW.count);
    assert!(openings.iter().map(|opening| opening.index).eq(drawn), "not in the order of the draw");
    let found = session::verify_session(&claimed, &DRAW, &openings).unwrap();
    assert_eq!((found.right.len(), found.wrong.len()), (DRAW.count as usize, 0));
}

#[test]
fn every_probe_convinces_the_verifier() {
    // Odd sizes, and rounds long enough that a session of a quarter of a second stays below the limit of rounds.
    let fma = Shape::Chains { lanes: 5, steps: 20_000 };
    let memory = Shape::Walk { cells: 300, walkers: 3, steps: 5_000, hard: 8 };
    let shapes = [
        (ProbeId::Imma, Shape::Product { n: 100, k: 204, tile: 8 }),
        (ProbeId::Fma64, fma),
        (ProbeId::Cpu, fma),
        (ProbeId::Vram, memory),
        (ProbeId::Ram, memory),
    ];
    for (probe, shape) in shapes {
        verified(Parameters { probe, shape, scale: 1 }, cpu);
    }
}

#[test]
fn a_simulated_card_behind_a_socket_convinces_the_verifier() {
    for probe in [ProbeId::Imma, ProbeId::Fma64, ProbeId::Vram] {
        verified(plan(probe, Market::Development).unwrap().parameters, paced);
    }
}

#[test]
fn two_devices_are_keyed_apart_and_both_verified() {
    fn two(parameters: &Parameters) -> Result<Vec<Box<dyn Device>>, Error> {
        Ok([cpu(parameters)?, cpu(parameters)?].into_iter().flatten().collect())
    }
    let parameters = Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 4, steps: 20_000 }, scale: 1 };
    verified(parameters, two);
}

#[test]
fn questions_out_of_turn_and_garbage_end_the_job_with_a_word() {
    let parameters = Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 4, steps: 50 }, scale: 1 };
    let mut early = Fisher::start(cpu);
    early.tell(job_input::Message::Finish(Finish {}));
    assert_eq!(early.failure(), "Prepare is out of order");
    assert!(early.job.join().unwrap().is_err());

    let mut window = Fisher::start(cpu);
    window.tell(prepare(&parameters));
    assert!(matches!(window.hear(), job_output::Message::Ready(_)));
    window.tell(job_input::Message::Challenge(Challenge { window: 3, seed: vec![0; 32] }));
    assert_eq!(window.failure(), "the window's number is out of order");

    let mut garbage = Fisher::start(cpu);
    garbage.stream.write_all(&[0xff; 16]).unwrap();
    assert!(garbage.failure().contains("larger than"));

    let mut oversized = Fisher::start(cpu);
    let shape = Shape::Chains { lanes: u32::MAX, steps: 1 };
    oversized.tell(prepare(&Parameters { shape, ..parameters }));
    assert!(oversized.failure().starts_with("lanes is"));
}

#[test]
fn the_key_of_a_pong_commits_to_its_rounds() {
    let parameters = Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 4, steps: 20_000 }, scale: 1 };
    let (claimed, _) = converse(parameters, cpu);
    let mut key = Key::first(&claimed.seeds[0], 0);
    for root in &claimed.round_roots[..claimed.rounds[0][0] as usize] {
        key = key.next(root);
    }
    assert_eq!(claimed.keys()[0], Key::first(&claimed.seeds[0], 0));
    assert_ne!(key, claimed.keys()[0]);
}
