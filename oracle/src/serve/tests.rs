use super::*;

#[test]
fn urls_and_their_tokens_stay_out_of_messages() {
    let error = anyhow::anyhow!("cannot reach https://rpc.example/secret-token now").context("first");
    assert_eq!(chained(&error), "first: cannot reach <url> now");
}

#[test]
fn another_market_has_another_name() {
    let deployment = Deployment {
        chain_id: 1,
        development: true,
        block: 1,
        token: Default::default(),
        access_manager: Default::default(),
        rentals: Default::default(),
        bonds: Default::default(),
        scores: Default::default(),
        court: Default::default(),
        rewards: Default::default(),
        epoch_length_seconds: 5,
    };
    let name = market(&deployment, &Parameters::development());
    assert_ne!(name, market(&deployment, &Parameters::production()));
    assert_ne!(name, market(&Deployment { chain_id: 2, ..deployment }, &Parameters::development()));
    let moved = Deployment { scores: alloy::primitives::Address::repeat_byte(1), ..deployment };
    assert_ne!(name, market(&moved, &Parameters::development()));
}

#[tokio::test]
async fn a_task_that_fails_ends_the_others() {
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(async { bail!("broken") });
    let waits = stop.clone();
    tasks.spawn(async move {
        waits.cancelled().await;
        Ok(())
    });
    let error = supervise(tasks, stop).await.unwrap_err();
    assert_eq!(error.to_string(), "broken");
}

/// What a data directory and a deployment file need to be served.
struct Site {
    market: crate::chain::tests::market::Market,
    directory: tempfile::TempDir,
}

impl Site {
    async fn set() -> Self {
        let market = crate::chain::tests::market::Market::start().await;
        let directory = tempfile::tempdir().unwrap();
        keys::create(&directory.path().join("operator.key"), &market.operator.to_bytes().0).unwrap();
        market.deployment.write(directory.path()).unwrap();
        Self { market, directory }
    }

    fn options(&self) -> Options {
        let path = self.directory.path();
        Options {
            data: path.join("data"),
            rpc: self.market.endpoint(),
            deployment: path.join(self.market.deployment.file_name()),
            operator_key_file: path.join("operator.key"),
            operator_password_file: None,
            listen: ([127, 0, 0, 1], 0).into(),
            admin_listen: ([127, 0, 0, 1], 0).into(),
            releases: Vec::new(),
            limits: api::Limits::default(),
            key_writes_per_second: 0,
            development: true,
        }
    }

    /// Runs until the market's head is indexed and final, and returns the store's size of the log.
    async fn run(&self) -> u64 {
        let token = CancellationToken::new();
        let (send, ready) = tokio::sync::oneshot::channel();
        let running = run(self.options(), token.clone(), move |public, admin| {
            let _ = send.send((public, admin));
        });
        let (ended, entries) = tokio::join!(running, self.watch(ready, token));
        ended.unwrap();
        entries
    }

    /// Waits until something is in the log, then ends the oracle.
    async fn watch(
        &self,
        ready: tokio::sync::oneshot::Receiver<(SocketAddr, SocketAddr)>,
        token: CancellationToken,
    ) -> u64 {
        let (public, admin) = ready.await.unwrap();
        assert!(public.port() != 0 && admin.port() != 0 && public != admin);
        let metrics = format!("http://{admin}/metrics").parse::<tonic::transport::Uri>().unwrap();
        let mut entries = 0;
        for _ in 0..100 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let page = get(&metrics).await;
            let line = page.lines().find_map(|line| line.strip_prefix("gpux_oracle_log_entries ")).unwrap();
            entries = line.parse().unwrap();
            if entries > 0 {
                break;
            }
        }
        token.cancel();
        entries
    }
}

/// The body of a page.
async fn get(uri: &tonic::transport::Uri) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(uri.authority().unwrap().as_str()).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nHost: oracle\r\nConnection: close\r\n\r\n", uri.path());
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).await.unwrap();
    page
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_follows_its_chain_stops_when_asked_and_goes_on_where_it_stopped() {
    let site = Site::set().await;
    site.market.bond(900).await;
    site.market.mine(4).await;
    let entries = site.run().await;
    assert!(entries >= 1);
    assert_eq!(site.run().await, entries, "a restart indexes nothing twice");
}

#[tokio::test]
async fn an_oracle_refuses_what_it_was_not_meant_for() {
    let site = Site::set().await;
    let start = |options| run(options, CancellationToken::new(), |_, _| panic!("a port was opened"));
    let error = start(Options { development: false, ..site.options() }).await.unwrap_err();
    assert!(error.to_string().contains("a development market"), "{error}");
    let mut slow = site.market.deployment.clone();
    slow.epoch_length_seconds = 6;
    let file = slow.write(&site.directory.path().join("slow")).unwrap();
    let error = start(Options { deployment: file, ..site.options() }).await.unwrap_err();
    assert!(error.to_string().contains("epochs last 5 s here and 6 s on chain"), "{error}");
    let mut real = site.market.deployment.clone();
    real.development = false;
    real.epoch_length_seconds = Parameters::production().epoch_secs.into();
    let file = real.write(&site.directory.path().join("real")).unwrap();
    let error = start(Options { deployment: file, development: false, ..site.options() }).await.unwrap_err();
    assert!(error.to_string().contains("no release of the worker is accepted"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oracle_ends_when_its_rpc_serves_another_chain() {
    let site = Site::set().await;
    let mut foreign = site.market.deployment.clone();
    foreign.chain_id = 1_337;
    let file = foreign.write(site.directory.path()).unwrap();
    let options = Options { deployment: file, ..site.options() };
    let error = run(options, CancellationToken::new(), |_, _| {}).await.unwrap_err();
    assert!(error.to_string().contains("another chain") || error.to_string().contains("serves chain"), "{error}");
}
