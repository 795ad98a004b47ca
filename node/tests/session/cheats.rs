//! The cheats that a node plays itself; those of a simulated card are tested where it is made.
use crate::harness::{Market, Setting, mark, reason};
use gpux_node::{cheat::Cheat, sandbox::Choice};
use gpux_proto::{
    evidence::{Challenge, JobInput, Parameters, Prepare, job_input},
    stream::encode,
};
use std::time::Duration;

async fn market(cheat: Cheat) -> Market {
    Market::start(Choice::Development, Setting { cheat: Some(cheat), ..Setting::default() }).await
}

fn input(message: job_input::Message) -> Vec<u8> {
    encode(&JobInput { message: Some(message) })
}

#[tokio::test(flavor = "multi_thread")]
async fn offline_refuses_every_second_session() {
    let market = market(Cheat::Offline).await;
    for turn in 0..4 {
        match market.renter().open("#!/bin/sh\n").await {
            Ok(_) => assert_eq!(turn % 2, 0),
            Err(status) => assert_eq!((turn % 2, reason(&status).as_str()), (1, "OFFLINE")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replay_answers_with_the_output_of_an_earlier_session() {
    let market = market(Cheat::Replay).await;
    let prepare =
        input(job_input::Message::Prepare(Prepare { parameters: Some(Parameters::default()), seed: vec![0; 32] }));
    let mut heard = Vec::new();
    for _ in 0..2 {
        let script = format!("#!/bin/sh\nhead -c 1 >/dev/null\necho {}\ncat >/dev/null\n", mark());
        let mut session = market.renter().open(&script).await.unwrap();
        session.say(&prepare).await;
        heard.push(session.line().await);
        session.finish();
        assert_eq!(session.rest().await.1.unwrap().exit_code, Some(0));
    }
    assert_eq!(heard[0], heard[1], "the second job wrote another mark");
}

#[tokio::test(flavor = "multi_thread")]
async fn stall_says_nothing_from_the_second_window_on() {
    let market = market(Cheat::Stall).await;
    let mut session = market.renter().open("#!/bin/sh\nexec cat\n").await.unwrap();
    for window in 0..2 {
        session.say(&input(job_input::Message::Challenge(Challenge { window, seed: vec![0; 32] }))).await;
        let heard = tokio::time::timeout(Duration::from_millis(500), session.hear()).await;
        assert_eq!(heard.is_ok(), window == 0);
    }
}
