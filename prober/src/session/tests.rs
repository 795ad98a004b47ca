use super::{
    fixture::{Act, At, Node, consumer, cpu, offered, paced, terms},
    *,
};
use gpux_kernels::{
    Parameters, Shape,
    evidence::{Depth, Rules, examine},
    plan::{Deadlines, Market, plan},
    probe::ProbeId,
};

fn released() -> release::Release {
    // More than the buffers of a connection hold, so that an upload which nobody reads is noticed.
    release::Release::new(vec![7; 6 << 20]).unwrap()
}

fn worker() -> release::Built {
    released().build(&release::IDENTITY).unwrap()
}

/// A plan of a second, so that many sessions fit into a test.
fn short() -> Plan {
    let limit = Duration::from_millis(1_500);
    Plan {
        probe: ProbeId::Cpu,
        parameters: Parameters { probe: ProbeId::Cpu, shape: Shape::Chains { lanes: 8, steps: 2_000 }, scale: 1 },
        windows: 2,
        window: Duration::from_millis(40),
        pings: 3,
        openings: 6,
        deadlines: Deadlines { open: limit, prepare: limit, pong: limit, root: limit, openings: limit },
    }
}

async fn hold(node: Node, plan: &Plan) -> Ended {
    let endpoint = format!("http://{}", node.start().await);
    let offered = offered(&endpoint);
    let channel = tonic::transport::Endpoint::from_shared(endpoint).unwrap().connect_lazy();
    let (terms, worker) = (terms(&offered), worker());
    let order = Order {
        offered: &offered,
        terms: &terms,
        consumer: &consumer(),
        worker: &worker,
        plan,
        lock: None,
        watch: &|_| {},
    };
    let limit = longest(plan) + Duration::from_secs(1);
    tokio::time::timeout(limit, run(channel, None, &order)).await.expect("the session outlived its deadlines")
}

async fn ends(at: At, act: Act, step: Step) {
    let ended = hold(Node { at, act, devices: cpu }, &short()).await;
    let failure = ended.failure.unwrap_or_else(|| panic!("{act:?} at {at:?} passed"));
    assert_eq!((failure.step, failure.fault), (step, Fault::Host), "{act:?} at {at:?}: {}", failure.detail);
    let before_open = matches!(at, At::Upload | At::Open);
    assert_eq!(ended.bundle.is_none(), before_open, "{act:?} at {at:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_honest_session_passes_whole() {
    let ended = hold(Node { at: At::Never, act: Act::Hang, devices: cpu }, &short()).await;
    assert_eq!(ended.failure, None);
    let bundle = ended.bundle.unwrap();
    assert!(bundle.frames.windows(2).all(|pair| pair[0].time_us <= pair[1].time_us));
    assert!(ended.started <= ended.ended);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_ends_at_its_step() {
    tokio::join!(
        ends(At::Upload, Act::Hang, Step::Hello),
        ends(At::Open, Act::Hang, Step::Open),
        ends(At::Ready, Act::Hang, Step::Prepare),
        ends(At::Pong, Act::Hang, Step::Window),
        ends(At::Root, Act::Hang, Step::Root),
        ends(At::Roots, Act::Hang, Step::Opening),
        ends(At::Openings, Act::Hang, Step::Opening),
        ends(At::Closed, Act::Hang, Step::Opening),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_closes_half_way_ends_at_its_step() {
    tokio::join!(
        ends(At::Open, Act::Close, Step::Open),
        ends(At::Ready, Act::Close, Step::Prepare),
        ends(At::Pong, Act::Refuse, Step::Window),
        ends(At::Root, Act::Close, Step::Root),
        ends(At::Roots, Act::Refuse, Step::Opening),
        ends(At::Openings, Act::Close, Step::Opening),
        ends(At::Closed, Act::Close, Step::Opening),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_and_forged_signatures_end_at_their_step() {
    tokio::join!(
        ends(At::Open, Act::Forge, Step::Open),
        ends(At::Ready, Act::Garbage, Step::Prepare),
        ends(At::Ready, Act::Forge, Step::Prepare),
        ends(At::Pong, Act::Garbage, Step::Window),
        ends(At::Pong, Act::Forge, Step::Window),
        ends(At::Root, Act::Garbage, Step::Root),
        ends(At::Root, Act::Forge, Step::Root),
        ends(At::Roots, Act::Garbage, Step::Opening),
        ends(At::Openings, Act::Forge, Step::Opening),
        ends(At::Openings, Act::Swap, Step::Opening),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_ends_the_session_and_fills_no_memory() {
    tokio::join!(
        ends(At::Ready, Act::Flood, Step::Window),
        ends(At::Pong, Act::Flood, Step::Window),
        // Bytes behind ROOT could steer the draw.
        ends(At::Root, Act::Flood, Step::Root),
        ends(At::Roots, Act::Flood, Step::Opening),
        ends(At::Openings, Act::Flood, Step::Opening),
        ends(At::Closed, Act::Flood, Step::Opening),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_node_is_told_apart_from_a_broken_one() {
    let ended = hold(Node { at: At::Upload, act: Act::Refuse, devices: cpu }, &short()).await;
    let failure = ended.failure.unwrap();
    assert!(failure.passing && ended.bundle.is_none(), "{failure:?}");
    let ended = hold(Node { at: At::Open, act: Act::Refuse, devices: cpu }, &short()).await;
    assert!(!ended.failure.unwrap().passing);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bundle_of_a_simulated_card_is_evidence() {
    let plan = plan(ProbeId::Imma, Market::Development).unwrap();
    let ended = hold(Node { at: At::Never, act: Act::Hang, devices: paced }, &plan).await;
    assert_eq!(ended.failure, None);
    let rules = Rules {
        market: Market::Development,
        chain_id: fixture::PLACE.chain_id,
        rentals: fixture::PLACE.rentals.into_array(),
        releases: vec![std::sync::Arc::new(released())],
    };
    let found = examine(&ended.bundle.unwrap(), &rules, Depth::Recompute);
    assert_eq!(found.first_unsound(), None);
    assert_eq!((found.failure, found.wrong.len(), found.drawn), (None, 0, plan.openings));
    assert_eq!(found.windows.len(), plan.windows as usize);
}
