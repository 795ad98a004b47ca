//! Sessions through a relay over loopback: the prober's session code, a node that misbehaves where it is told to, and an oracle
//! that knows both.
mod market;
mod oracle;

use crate::session::{
    Fault,
    fixture::{Act, At, Node, cpu, node_key},
    reason,
};
use gpux_proto::{
    evidence::{Direction, EndedBy, Stamps, Step},
    frames::{Chains, Side},
    node::Sealed,
    relay::{self, relay_service_client::RelayServiceClient, session_request::Message},
    signing::{self, Domain},
};
use market::{Market, honest, relay_key};
use std::time::Duration;
use tokio_stream::StreamExt as _;
use tonic::Status;

use super::{Limits, Relays};

fn opened(stamps: &gpux_proto::evidence::Signed) -> Stamps {
    signing::verify(Domain::Stamps, stamps, &relay_key().verifying_key()).unwrap();
    signing::open(Domain::Stamps, stamps).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_passes_and_its_stamps_hold_the_bundles_frames_in_order() {
    let market = Market::start(honest(), Limits::default()).await;
    let ended = market.session().await;
    assert_eq!((ended.failure, ended.relay), (None, Some(relay_key().verifying_key().to_bytes())));
    let bundle = ended.bundle.unwrap();
    let mut chains = Chains::new(signing::id(Domain::Open, &bundle.open.unwrap().payload));
    let hello: gpux_proto::evidence::Hello = signing::open(Domain::Hello, &bundle.hello.unwrap()).unwrap();
    let renter = signing::public_key("session key", &hello.session_key).unwrap();
    let mut passed = Vec::new();
    for entry in &bundle.frames {
        let (side, key) = match entry.direction() {
            Direction::Renter => (Side::Renter, renter),
            _ => (Side::Node, node_key().verifying_key()),
        };
        chains.receive(side, entry.frame.as_ref().unwrap(), &key).unwrap();
        passed.push((entry.direction, chains.head(side).to_vec()));
    }
    let stamps = opened(&market.oracle.taken(1).await[0]);
    let stamped: Vec<_> = stamps.stamps.iter().map(|stamp| (stamp.direction, stamp.head.clone())).collect();
    assert_eq!(stamped, passed);
    assert_eq!((stamps.ended_by(), stamps.node), (EndedBy::Node, node_key().verifying_key().to_bytes().to_vec()));
    // What passed between two frames took as long for the relay as for the fisher, but for what loopback and scheduling take.
    let span = |times: Vec<u64>| times[times.len() - 1] - times[0];
    let relays = span(stamps.stamps.iter().map(|stamp| stamp.time_us).collect());
    let fishers = span(bundle.frames.iter().map(|frame| frame.time_us).collect());
    assert!(relays.abs_diff(fishers) < 200_000, "{relays} {fishers}");
    assert!(market.oracle.tell(|known| known.asked) <= 1, "the directory remembers a node");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_shows_other_heads_or_sends_what_cannot_be_opened_makes_no_liar_of_the_fisher() {
    for (act, words) in [(Act::Misname, "the head that was shown"), (Act::Garble, "changed on its way")] {
        let market = Market::start(Node { at: At::Never, act, devices: cpu }, Limits::default()).await;
        let ended = market.session().await;
        let failure = ended.failure.unwrap();
        // The relay has stamped a frame that no transcript can hold: as a failure of the host it would look left out.
        assert_eq!((failure.step, failure.fault), (Step::Prepare, Fault::Fisher), "{}", failure.detail);
        assert!(failure.detail.contains(words), "{}", failure.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nodes_refusal_comes_as_it_is_and_its_absence_is_its_own() {
    let market = Market::start(Node { at: At::Upload, act: Act::Refuse, devices: cpu }, Limits::default()).await;
    let failure = market.session().await.failure.unwrap();
    assert_eq!((failure.fault, failure.passing), (Fault::Host, true), "{failure:?}");
    assert!(failure.detail.contains("one rental at a time"), "{failure:?}");
    market.announce("http://127.0.0.1:1");
    let fresh = market.relay_again().await;
    let failure = fresh.session().await.failure.unwrap();
    assert_eq!((failure.fault, failure.step), (Fault::Host, Step::Hello), "{failure:?}");
    assert!(failure.detail.contains("accepts no connection"), "{failure:?}");
    // It has moved, and the oracle knows where: a relay that remembers the old place finds it all the same.
    market.announce(&format!("http://{}", honest().start().await));
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(fresh.session().await.failure, None);
    market.oracle.tell(|known| known.nodes.clear());
    let failure = market.relay_again().await.session().await.failure.unwrap();
    assert_eq!(failure.fault, Fault::Fisher, "a relay that does not know a node says nothing of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_stops_or_dies_half_way_accuses_nobody() {
    let hanging = Node { at: At::Root, act: Act::Hang, devices: cpu };
    let market = Market::start(hanging, Limits::default()).await;
    let (ended, ()) = tokio::join!(market.session(), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        market.stop.cancel();
    });
    let failure = ended.failure.unwrap();
    assert_eq!((failure.step, failure.fault), (Step::Root, Fault::Fisher), "{failure:?}");
    assert!(failure.detail.contains("the relay is stopping"), "{failure:?}");
    let stamps = opened(&market.oracle.taken(1).await[0]);
    assert_eq!(stamps.ended_by(), EndedBy::Relay);

    let mut market = Market::start(hanging, Limits::default()).await;
    let doomed = market.own_runtime.take().unwrap();
    let (ended, ()) = tokio::join!(market.session(), async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        doomed.shutdown_background();
    });
    let failure = ended.failure.unwrap();
    assert_eq!((failure.step, failure.fault), (Step::Root, Fault::Fisher), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_hangs_fails_through_a_relay_as_it_does_directly() {
    let market = Market::start(Node { at: At::Pong, act: Act::Hang, devices: cpu }, Limits::default()).await;
    let failure = market.session().await.failure.unwrap();
    assert_eq!((failure.step, failure.fault), (Step::Window, Fault::Host), "{failure:?}");
    let stamps = opened(&market.oracle.taken(1).await[0]);
    assert_eq!(stamps.ended_by(), EndedBy::Renter);
    let last = stamps.stamps.last().unwrap();
    assert_eq!(last.direction(), Direction::Renter);
    assert!(stamps.end_us - last.time_us >= 1_900_000, "the relay saw how long the host was silent");
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_beyond_the_limits_are_not_carried() {
    let hanging = Node { at: At::Ready, act: Act::Hang, devices: cpu };
    let length = Duration::from_millis(1_500);
    let market = Market::start(hanging, Limits { sessions: 1, length, ..Limits::default() }).await;
    let (long, second) = tokio::join!(market.session(), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        market.session().await
    });
    let failure = second.failure.unwrap();
    assert_eq!((failure.fault, failure.passing), (Fault::Fisher, true), "{failure:?}");
    let failure = long.failure.unwrap();
    assert_eq!((failure.step, failure.fault, failure.passing), (Step::Prepare, Fault::Fisher, false), "{failure:?}");
    assert!(failure.detail.contains("1.5s"), "{failure:?}");

    let market = Market::start(hanging, Limits { sessions_per_node: 1, length, ..Limits::default() }).await;
    let (_, second) = tokio::join!(market.session(), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        market.session().await
    });
    assert!(second.failure.unwrap().detail.contains("sessions of this node"));

    let market = Market::start(honest(), Limits { bytes: 100_000, ..Limits::default() }).await;
    let failure = market.session().await.failure.unwrap();
    assert_eq!(failure.fault, Fault::Fisher);
    assert!(failure.detail.contains("100000 bytes"), "{failure:?}");

    let market = Market::start(honest(), Limits { stamps: 3, ..Limits::default() }).await;
    assert_eq!(market.session().await.failure, None, "frames after the last stamp pass without");
    assert_eq!(opened(&market.oracle.taken(1).await[0]).stamps.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_no_renter_sends_is_refused_and_leaves_no_stamps() {
    let market = Market::start(honest(), Limits { first: Duration::from_millis(100), ..Limits::default() }).await;
    let node = Message::Node(node_key().verifying_key().to_bytes().to_vec());
    let sealed = |data: usize, head: usize| Message::Sealed(Sealed { data: vec![1; data], head: vec![1; head] });
    for (said, expected) in [
        (vec![Message::Node(vec![1; 31])], "RELAY_MALFORMED"),
        (vec![sealed(48, 0)], "RELAY_MALFORMED"),
        (vec![node.clone(), node.clone()], "RELAY_MALFORMED"),
        (vec![node.clone(), sealed(48, 31)], "RELAY_MALFORMED"),
        (vec![node.clone(), sealed(300 << 10, 0)], "RELAY_MALFORMED"),
        (vec![], "RELAY_DEADLINE"),
        (vec![Message::Node(vec![9; 32])], "RELAY_NODE_UNKNOWN"),
        // The node's own: what it was sent is no handshake.
        (vec![node, sealed(48, 0)], "NODE_BROKE_OFF"),
    ] {
        let status = said_plainly(&market, said.clone()).await;
        assert_eq!(reason(&status).as_deref(), Some(expected), "{status:?}");
    }
    assert_eq!(market.session().await.failure, None, "the relay goes on");
    market.oracle.taken(1).await;
    assert_eq!(market.oracle.tell(|known| known.stamps.len()), 1);
}

/// Says these messages to the relay and returns how it ends the session.
async fn said_plainly(market: &Market, said: Vec<Message>) -> Status {
    let mut client = RelayServiceClient::new(market.channel());
    let said = said.into_iter().map(|message| relay::SessionRequest { message: Some(message) });
    let requests = tokio_stream::iter(said).chain(tokio_stream::pending());
    let mut answers = client.session(requests).await.unwrap().into_inner();
    loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the session ended well"),
            Err(status) => return status,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stamps_wait_for_an_oracle_that_is_away_and_for_the_relays_next_start() {
    let market = Market::start(honest(), Limits::default()).await;
    market.oracle.tell(|known| known.refuses = Some(Status::unavailable("starting")));
    assert_eq!(market.session().await.failure, None);
    tokio::time::sleep(Duration::from_millis(300)).await;
    market.stop.cancel();
    let again = market.relay_again().await;
    assert_eq!(market.oracle.tell(|known| known.stamps.len()), 0);
    market.oracle.tell(|known| known.refuses = None);
    assert_eq!(again.oracle.taken(1).await.len(), 1);
    // What is refused for good does not come again.
    market.oracle.tell(|known| known.refuses = Some(Status::invalid_argument("no")));
    assert_eq!(again.session().await.failure, None);
    for _ in 0..300 {
        if again.undelivered() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} stamps are kept", again.undelivered());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_registers_and_its_owner_never_chooses_it() {
    let market = Market::start(honest(), Limits::default()).await;
    let mut registrations = Vec::new();
    while registrations.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
        registrations = market.oracle.tell(|known| known.relays.clone());
    }
    let now = crate::clock::now();
    let choose = async |own| {
        let relays = Relays::new(market.reaches(), market::deployment(), own);
        relays.choose(now).await.unwrap().map(|listed| (listed.relay, listed.endpoint.to_string()))
    };
    let key = relay_key().verifying_key().to_bytes();
    assert_eq!(choose(alloy::primitives::Address::ZERO).await, Some((key, format!("{}/", market.url()))));
    assert_eq!(choose(market::owner().address()).await, None);
    // Whoever lists a relay under another endpoint or owner is found out by the owner's signature.
    let mut forged = vec![registrations[0].clone(); 4];
    forged[0].endpoint = "http://127.0.0.1:9".into();
    forged[1].owner = vec![9; 20];
    forged[2].chain_id += 1;
    forged[3].valid_until += 1;
    market.oracle.tell(|known| known.relays = forged);
    assert_eq!(choose(alloy::primitives::Address::ZERO).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nine_relays_of_one_owner_are_chosen_as_often_as_one_of_another() {
    let market = Market::start(honest(), Limits::default()).await;
    let mut many: Vec<_> = (1..=9).map(|byte| market::registration(9, byte)).collect();
    many.push(market::registration(10, 99));
    market.oracle.tell(|known| known.relays = many);
    let relays = Relays::new(market.reaches(), market::deployment(), alloy::primitives::Address::ZERO);
    let mut others = 0;
    for _ in 0..400 {
        others +=
            u32::from(relays.choose(crate::clock::now()).await.unwrap().unwrap().owner != market::owner().address());
    }
    // Ten standard deviations around a half; by relay it would be a tenth.
    assert!((100..=300).contains(&others), "{others}");
}
