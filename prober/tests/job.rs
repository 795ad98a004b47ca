//! The worker as a program: what only a process of its own can show, since file descriptor 3 of a test is anybody's.
#![allow(clippy::unwrap_used, reason = "these are tests")]
use gpux_kernels::{
    plan::{Market, plan},
    probe::ProbeId,
};
use gpux_proto::{
    evidence::{JobInput, JobOutput, Parameters, Prepare, job_input, job_output},
    stream,
};
use std::{
    io::Write as _,
    process::{Command, Stdio},
};

fn prepared(probe: ProbeId) -> (Vec<job_output::Message>, Option<i32>) {
    let parameters = plan(probe, Market::Development).unwrap().parameters;
    let prepare = Prepare { parameters: Some(Parameters::from(&parameters)), seed: vec![1; 32] };
    let message = JobInput { message: Some(job_input::Message::Prepare(prepare)) };
    let mut child = Command::new(env!("CARGO_BIN_EXE_gpux-job"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .env_clear()
        .spawn()
        .unwrap();
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
    let (said, code) = prepared(ProbeId::Imma);
    let [job_output::Message::Failure(failure)] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((failure.message.as_str(), code), ("no device for probe imma", Some(1)));
}

#[test]
fn an_input_that_ends_early_ends_the_program() {
    let (said, code) = prepared(ProbeId::Cpu);
    let [job_output::Message::Ready(ready), job_output::Message::Failure(failure)] = said.as_slice() else {
        panic!("{said:?}")
    };
    assert_eq!((ready.devices.len(), failure.message.as_str(), code), (1, "the input ended early", Some(1)));
}
