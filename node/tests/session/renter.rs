//! A renter that checks everything it receives.
use alloy::{
    primitives::B256,
    signers::{SignerSync as _, local::PrivateKeySigner},
};
use gpux_node::clock;
use gpux_proto::{
    evidence::{self, EnvironmentEntry, Frame, Hello, JobManifest, Open, Terms},
    frames::{Chains, Side},
    node::{
        Closed, SessionRequest, SessionResponse, Start, Upload, node_service_client::NodeServiceClient,
        session_request, session_response,
    },
    signing::{self, Domain, SigningKey},
};
use prost::Message as _;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who wants to run something.
#[derive(Clone)]
pub(crate) struct Renter {
    pub(crate) address: String,
    pub(crate) node: [u8; 32],
    pub(crate) consumer: PrivateKeySigner,
    pub(crate) session: SigningKey,
    pub(crate) terms: Terms,
    pub(crate) rental: [u8; 32],
}

/// A shell script as a job.
pub(crate) fn manifest(script: &[u8]) -> JobManifest {
    let digest = blake3::hash(script).as_bytes().to_vec();
    JobManifest {
        executable: Some(evidence::File { name: "job".into(), digest, size: script.len() as u64 }),
        environment: vec![EnvironmentEntry { name: "A".into(), value: "1 2".into() }],
        ..Default::default()
    }
}

impl Renter {
    pub(crate) fn hello(&self, manifest: &[u8]) -> Hello {
        let key = self.session.verifying_key().to_bytes();
        let valid_until = clock::unix().as_secs() + 600;
        let offer = self.terms.offer.as_ref().unwrap();
        let rentals: [u8; 20] = offer.rentals.as_slice().try_into().unwrap();
        let digest = signing::session_digest(offer.chain_id, rentals.into(), self.rental, key, valid_until).unwrap();
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).unwrap();
        Hello {
            chain_id: offer.chain_id,
            rentals: rentals.to_vec(),
            rental: self.rental.to_vec(),
            node: self.node.to_vec(),
            offer_digest: signing::offer_digest(offer).unwrap().to_vec(),
            session_key: key.to_vec(),
            authorisation: self.consumer.sign_hash_sync(&B256::from(digest)).unwrap().as_bytes().to_vec(),
            valid_until,
            job: signing::id(Domain::Job, manifest).to_vec(),
            secret_digest: signing::id(Domain::Secret, &secret).to_vec(),
        }
    }

    pub(crate) fn start(&self, script: &[u8]) -> Start {
        let manifest = manifest(script).encode_to_vec();
        self.start_with(&self.hello(&manifest), manifest)
    }

    pub(crate) fn start_with(&self, hello: &Hello, manifest: Vec<u8>) -> Start {
        let hello = Some(signing::sign(Domain::Hello, hello, &self.session));
        Start { hello, terms: Some(self.terms.clone()), manifest }
    }

    /// Sends these messages first and returns what comes back.
    pub(crate) async fn call(&self, messages: Vec<session_request::Message>) -> (Requests, Streaming<SessionResponse>) {
        let (requests, queue) = mpsc::channel(64);
        for message in messages {
            requests.send(SessionRequest { message: Some(message) }).await.unwrap();
        }
        let mut client = NodeServiceClient::connect(self.address.clone()).await.unwrap();
        let responses = client.session(ReceiverStream::new(queue)).await.unwrap().into_inner();
        (requests, responses)
    }

    /// Opens a session that runs a script.
    pub(crate) async fn open(&self, script: &str) -> Result<Session, Status> {
        let start = self.start(script.as_bytes());
        let hello = signing::id(Domain::Hello, &start.hello.as_ref().unwrap().payload);
        let (requests, mut responses) =
            self.call(vec![session_request::Message::Start(start), upload(script.as_bytes())]).await;
        let first = tokio::time::timeout(PATIENCE, responses.message()).await.unwrap()?.unwrap();
        let Some(session_response::Message::Opened(opened)) = first.message else { panic!("{first:?}") };
        let signed = opened.open.unwrap();
        let key = signing::public_key("node", &self.node).unwrap();
        let id = signing::verify(Domain::Open, &signed, &key).unwrap();
        let open: Open = signing::open(Domain::Open, &signed).unwrap();
        assert_eq!((open.hello, open.node), (hello.to_vec(), self.node.to_vec()));
        let chains = Chains::new(id);
        Ok(Session { requests: Some(requests), responses, chains, renter: self.clone(), ordinal: open.ordinal })
    }
}

pub(crate) type Requests = mpsc::Sender<SessionRequest>;

pub(crate) fn upload(data: &[u8]) -> session_request::Message {
    session_request::Message::Upload(Upload { data: data.to_vec().into() })
}

/// An open session.
pub(crate) struct Session {
    pub(crate) requests: Option<Requests>,
    pub(crate) responses: Streaming<SessionResponse>,
    pub(crate) chains: Chains,
    pub(crate) ordinal: u32,
    renter: Renter,
}

impl Session {
    pub(crate) async fn say(&mut self, data: &[u8]) {
        let frame = self.chains.send(Side::Renter, data.to_vec(), &self.renter.session).unwrap();
        self.send(frame).await;
    }

    pub(crate) async fn send(&mut self, frame: Frame) {
        let message = Some(session_request::Message::Frame(frame));
        self.requests.as_ref().unwrap().send(SessionRequest { message }).await.unwrap();
    }

    /// Ends the input.
    pub(crate) fn finish(&mut self) {
        self.requests = None;
    }

    /// The next frame's bytes, verified, or how the session ended.
    pub(crate) async fn hear(&mut self) -> Result<Vec<u8>, Result<Closed, Status>> {
        let message = tokio::time::timeout(PATIENCE, self.responses.message()).await.expect("an answer in time");
        let response = message.map_err(Err)?.expect("a session ends with Closed or an error");
        match response.message.unwrap() {
            session_response::Message::Frame(frame) => {
                let key = signing::public_key("node", &self.renter.node).unwrap();
                self.chains.receive(Side::Node, &frame, &key).unwrap();
                Ok(frame.data)
            }
            session_response::Message::Closed(closed) => Err(Ok(closed)),
            other @ session_response::Message::Opened(_) => panic!("{other:?}"),
        }
    }

    /// Everything until the end, and the end.
    pub(crate) async fn rest(&mut self) -> (Vec<u8>, Result<Closed, Status>) {
        let mut all = Vec::new();
        loop {
            match self.hear().await {
                Ok(data) => all.extend(data),
                Err(end) => return (all, end),
            }
        }
    }

    /// Hears until a line is complete.
    pub(crate) async fn line(&mut self) -> String {
        let mut all = Vec::new();
        while !all.ends_with(b"\n") {
            all.extend(self.hear().await.expect("a line"));
        }
        String::from_utf8(all).unwrap().trim_end().to_owned()
    }
}
