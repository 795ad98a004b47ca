//! The worker as a program: what only a process of its own can show, since file descriptor 3 of a test is anybody's.
#![allow(clippy::unwrap_used, reason = "these are tests")]
use gpux_kernels::{
    plan::{Market, plan},
    probe::ProbeId,
    release::{Built, Release},
};
use gpux_proto::{
    evidence::{JobInput, JobOutput, Parameters, Prepare, job_input, job_output},
    stream,
};
use std::{
    fs::{self, Permissions},
    io::{ErrorKind, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
};

const WORKER: &str = env!("CARGO_BIN_EXE_gpux-job");

fn spawned(worker: &Path) -> Child {
    loop {
        let child = Command::new(worker).stdin(Stdio::piped()).stdout(Stdio::piped()).env_clear().spawn();
        match child {
            // Another test's child, between its fork and its exec, still has the file open that was just written.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => {}
            other => return other.unwrap(),
        }
    }
}

fn prepared(worker: &Path, probe: ProbeId) -> (Vec<job_output::Message>, Option<i32>) {
    let parameters = plan(probe, Market::Development).unwrap().parameters;
    let prepare = Prepare { parameters: Some(Parameters::from(&parameters)), seed: vec![1; 32] };
    let message = JobInput { message: Some(job_input::Message::Prepare(prepare)) };
    let mut child = spawned(worker);
    child.stdin.take().unwrap().write_all(&stream::encode(&message)).unwrap();
    let output = child.wait_with_output().unwrap();
    let mut reader = stream::Reader::default();
    reader.push(&output.stdout);
    let mut said = Vec::new();
    while let Some(JobOutput { message }) = reader.take().unwrap() {
        said.push(message.unwrap());
    }
    (said, output.status.code())
}

#[test]
fn a_gpu_probe_without_a_gpu_fails_instead_of_using_the_cpu() {
    let (said, code) = prepared(WORKER.as_ref(), ProbeId::Imma);
    let [job_output::Message::Failure(failure)] = said.as_slice() else { panic!("{said:?}") };
    // A machine without a driver, without a card, and with one, which computes no round that stands for more.
    let refusals = [
        "no NVIDIA driver on this machine (libcuda was not found)",
        "the NVIDIA driver of this machine shows no GPU",
        "a GPU computes at scale 1",
    ];
    let said = |start: &&str| failure.message.starts_with(start);
    assert!(refusals.iter().any(said) && code == Some(1), "{}", failure.message);
}

#[test]
fn an_input_that_ends_early_ends_the_program() {
    let (said, code) = prepared(WORKER.as_ref(), ProbeId::Cpu);
    let [job_output::Message::Ready(ready), job_output::Message::Failure(failure)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!((ready.devices.len(), failure.message.as_str(), code), (1, "the input ended early", Some(1)));
}

fn written(folder: &Path, bytes: &[u8]) -> std::path::PathBuf {
    let path = folder.join("worker");
    fs::write(&path, bytes).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn a_variant_of_the_worker_runs_and_reads_the_modules_that_were_built_into_it() {
    let release = Release::new(fs::read(WORKER).unwrap()).unwrap();
    assert!(release.modules().is_some(), "the worker has a place for modules");
    let Built { mut bytes, .. } = release.build(&[7; 32]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (said, code) = prepared(&written(folder.path(), &bytes), ProbeId::Cpu);
    assert!(matches!(said.as_slice(), [job_output::Message::Ready(_), job_output::Message::Failure(_)]), "{said:?}");
    assert_eq!(code, Some(1));
    // With another variant in its place the rest is noise, which a worker that reads it notices.
    let variant = bytes.windows(32).position(|window| window == [7; 32]).unwrap();
    bytes[variant] ^= 1;
    let (said, code) = prepared(&written(folder.path(), &bytes), ProbeId::Cpu);
    let [job_output::Message::Failure(failure)] = said.as_slice() else { panic!("{said:?}") };
    assert!(failure.message.starts_with("the pack of modules cannot be read"), "{}", failure.message);
    assert_eq!(code, Some(1));
}
