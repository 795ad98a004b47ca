//! A driver that fails at any one call: a typed error, and nothing is kept.

use super::recording::FAULT;
use super::*;
use crate::device::{Error, cuda};

/// A whole session, up to the first error.
fn session(device: &mut CudaDevice<Recording>, probe: ProbeId, shape: Shape) -> Result<(), Error> {
    device.prepare(&parameters(probe, shape), &fill())?;
    device.round(&key())?;
    device.round(&fill())?;
    device.open(&key(), &[0])?;
    Ok(())
}

#[test]
fn every_call_that_fails_is_a_typed_error_and_frees_everything() {
    // Small, since each call of a session fails once.
    let shapes = SHAPES.map(|(probe, shape)| match shape {
        Shape::Walk { .. } => (probe, Shape::Walk { cells: 77, walkers: 65, steps: 33, hard: 9 }),
        Shape::Pass { .. } => (probe, Shape::Pass { blocks: 7 }),
        other => (probe, other),
    });
    for (probe, shape) in shapes {
        // The first call is made before there is a device.
        let failed = (1..100).take_while(|at| {
            let (mut device, driver) = device(Card { fails_at: Some(*at), ..Card::default() });
            let Err(error) = session(&mut device, probe, shape) else { return false };
            let code = match &error {
                Error::Cuda(cuda::Error::Driver(failure)) => failure.code,
                Error::Cuda(cuda::Error::Refused { refusal, .. }) => refusal.failure.code,
                other => panic!("{probe}, call {at}: {other:?}"),
            };
            assert_eq!(code, FAULT, "{probe}, call {at}");
            let log = driver.log();
            assert!(log.held.is_empty() && log.modules.is_empty(), "{probe}, call {at} keeps {:?}", log.held);
            drop(log);
            assert!(matches!(device.round(&key()), Err(Error::NotPrepared)));
            true
        });
        assert!(failed.count() > 8, "{probe} makes more calls than these");
    }
}

#[test]
fn a_question_that_makes_no_sense_ends_no_session() {
    let (mut device, _) = prepared(ProbeId::Stream, Shape::Pass { blocks: 2 });
    device.round(&key()).unwrap();
    assert!(matches!(device.open(&key(), &[2]), Err(Error::NoSuchUnit { unit: 2, units: 2 })));
    assert!(matches!(device.open(&key(), &[0; 257]), Err(Error::TooMany(257))));
    assert!(matches!(device.open(&fill(), &[0]), Err(Error::NoSuchRound)));
    device.round(&fill()).unwrap();
}

#[test]
fn errors_say_what_the_driver_said() {
    let (mut device, _) = device(Card { fails_at: Some(1), ..Card::default() });
    let refused = device.prepare(&parameters(ProbeId::Fma32, Shape::Chains { lanes: 1, steps: 1 }), &fill());
    let words = "the kernels of probe fma32 for compute capability 6.1 were refused: load answered CUDA_ERROR_LAUNCH_FAILED \
                 (719): ptxas fatal";
    assert_eq!(refused.unwrap_err().to_string(), words);
}

#[test]
fn a_machine_without_a_card_says_so_in_one_line() {
    for error in [cuda::Error::NoDriver, cuda::Error::NoCard] {
        let line = error.to_string();
        assert!(line.contains("GPU probes cannot run here") && !line.contains('\n') && line.len() < 200, "{line}");
    }
    match cuda::devices() {
        Ok(cards) => assert!(!cards.is_empty()),
        Err(error) => assert!(matches!(error, cuda::Error::NoDriver | cuda::Error::NoCard), "{error}"),
    }
}
