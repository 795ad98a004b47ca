//! Sealed sessions: the same session code behind the Noise transport, and what a changed or misnamed message comes to.
use crate::{
    harness::{Market, Setting, reason},
    renter::{Renter, upload},
};
use gpux_node::sandbox::Choice;
use gpux_proto::{
    evidence::Frame,
    frames::{Chains, Side},
    node::{
        Sealed, SealedSessionRequest, SealedSessionResponse, SessionRequest, SessionResponse,
        node_service_client::NodeServiceClient, session_request, session_response,
    },
    sealed::{self, Opener, SEALED_BYTES_MAX, Sealer},
    signing::{self, Domain, SigningKey},
};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

const PATIENCE: Duration = Duration::from_secs(20);

type Requests = mpsc::Sender<SealedSessionRequest>;
type Answers = Streaming<SealedSessionResponse>;

fn request(data: Vec<u8>, head: Vec<u8>) -> SealedSessionRequest {
    SealedSessionRequest { sealed: Some(Sealed { data, head }) }
}

/// The renter's end after the handshake.
struct Client {
    requests: Option<Requests>,
    answers: Answers,
    sealer: Sealer,
    opener: Opener,
}

/// Calls the node and sends these bytes as the first message.
async fn call(renter: &Renter, first: Vec<u8>) -> (Requests, Answers) {
    let (requests, queue) = mpsc::channel(64);
    requests.send(request(first, vec![])).await.unwrap();
    let client = NodeServiceClient::connect(renter.address.clone()).await.unwrap();
    let mut client = client.max_decoding_message_size(SEALED_BYTES_MAX + 1024);
    (requests, client.sealed_session(ReceiverStream::new(queue)).await.unwrap().into_inner())
}

async fn join(renter: &Renter) -> Client {
    let node = signing::public_key("node", &renter.node).unwrap();
    let (handshake, first) = sealed::begin(&node).unwrap();
    let (requests, mut answers) = call(renter, first).await;
    let second = heard(&mut answers).await.unwrap();
    assert!(second.head.is_empty());
    let (sealer, opener) = handshake.finish(&second.data).unwrap();
    Client { requests: Some(requests), answers, sealer, opener }
}

async fn heard(answers: &mut Answers) -> Result<Sealed, Status> {
    let message = tokio::time::timeout(PATIENCE, answers.message()).await.expect("an answer in time");
    Ok(message?.expect("a session ends with Closed or an error").sealed.unwrap())
}

impl Client {
    async fn say(&mut self, message: session_request::Message, head: Vec<u8>) {
        let data = self.sealer.seal(&SessionRequest { message: Some(message) }).unwrap();
        self.requests.as_ref().unwrap().send(request(data, head)).await.unwrap();
    }

    async fn hear(&mut self) -> Result<(session_response::Message, Vec<u8>), Status> {
        let Sealed { data, head } = heard(&mut self.answers).await?;
        let response: SessionResponse = self.opener.open(&data).unwrap();
        Ok((response.message.unwrap(), head))
    }

    /// Opens a session that runs a script.
    async fn open(&mut self, renter: &Renter, script: &str) -> Chains {
        self.say(session_request::Message::Start(renter.start(script.as_bytes())), vec![]).await;
        self.say(upload(script.as_bytes()), vec![]).await;
        let (message, head) = self.hear().await.unwrap();
        assert!(head.is_empty(), "OPEN is no frame");
        let session_response::Message::Opened(opened) = message else { panic!("{message:?}") };
        Chains::new(signing::id(Domain::Open, &opened.open.unwrap().payload))
    }

    async fn refused(&mut self) -> String {
        reason(&self.hear().await.unwrap_err())
    }
}

fn frame(chains: &mut Chains, data: &[u8], key: &SigningKey) -> (session_request::Message, Vec<u8>) {
    let frame: Frame = chains.send(Side::Renter, data.to_vec(), key).unwrap();
    (session_request::Message::Frame(frame), chains.head(Side::Renter).to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_session_is_a_session_and_shows_its_frames_heads() {
    let market = Market::start(Choice::Development, Setting::default()).await;
    let renter = market.renter();
    let mut client = join(&renter).await;
    let mut chains = client.open(&renter, "#!/bin/sh\nread a; echo \"got $a\"; head -c 300000 /dev/zero\n").await;
    let (message, head) = frame(&mut chains, b"x\n", &renter.session);
    client.say(message, head).await;
    let key = signing::public_key("node", &renter.node).unwrap();
    let mut all = Vec::new();
    let closed = loop {
        match client.hear().await.unwrap() {
            (session_response::Message::Frame(frame), head) => {
                chains.receive(Side::Node, &frame, &key).unwrap();
                assert_eq!(head, chains.head(Side::Node));
                all.extend(frame.data);
            }
            (session_response::Message::Closed(closed), head) => {
                assert!(head.is_empty());
                break closed;
            }
            (other, _) => panic!("{other:?}"),
        }
    };
    assert_eq!((all.len(), closed.exit_code), (300_006, Some(0)));
    assert!(all.starts_with(b"got x\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_not_the_frames_is_refused() {
    let market = Market::start(Choice::Development, Setting::default()).await;
    for wrong in [vec![], vec![7; 32], vec![7; 31]] {
        let renter = market.renter();
        let mut client = join(&renter).await;
        let mut chains = client.open(&renter, "#!/bin/sh\ncat\n").await;
        let (message, _) = frame(&mut chains, b"x", &renter.session);
        client.say(message, wrong).await;
        assert_eq!(client.refused().await, "HEAD_FOREIGN");
    }
    let renter = market.renter();
    let mut client = join(&renter).await;
    client.say(session_request::Message::Start(renter.start(b"#!/bin/sh\n")), vec![7; 32]).await;
    assert_eq!(client.refused().await, "HEAD_FOREIGN", "a head beside what is no frame");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_or_made_for_another_node_is_refused() {
    let market = Market::start(Choice::Development, Setting::default()).await;
    let renter = market.renter();
    let stranger = SigningKey::from_bytes(&[99; 32]).verifying_key();
    for first in [vec![], vec![1; 48], sealed::begin(&stranger).unwrap().1] {
        let (_requests, mut answers) = call(&renter, first).await;
        assert_eq!(reason(&heard(&mut answers).await.unwrap_err()), "SEAL_BROKEN");
    }
    let mut client = join(&renter).await;
    let mut chains = client.open(&renter, "#!/bin/sh\ncat\n").await;
    let (message, head) = frame(&mut chains, b"x", &renter.session);
    let mut data = client.sealer.seal(&SessionRequest { message: Some(message) }).unwrap();
    data[40] ^= 1;
    client.requests.as_ref().unwrap().send(request(data, head)).await.unwrap();
    assert_eq!(client.refused().await, "SEAL_BROKEN");
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_before_the_handshake_ends_and_an_end_of_the_input_is_told_to_the_job() {
    let market =
        Market::start(Choice::Development, Setting { message: Duration::from_millis(200), ..Default::default() }).await;
    let renter = market.renter();
    let (requests, queue) = mpsc::channel(1);
    let mut client = NodeServiceClient::connect(renter.address.clone()).await.unwrap();
    let mut answers = client.sealed_session(ReceiverStream::new(queue)).await.unwrap().into_inner();
    assert_eq!(reason(&heard(&mut answers).await.unwrap_err()), "DEADLINE");
    drop(requests);
    let mut client = join(&renter).await;
    client.open(&renter, "#!/bin/sh\ncat >/dev/null; exit 3\n").await;
    client.requests = None;
    let (message, _) = client.hear().await.unwrap();
    let session_response::Message::Closed(closed) = message else { panic!("{message:?}") };
    assert_eq!(closed.exit_code, Some(3));
}
