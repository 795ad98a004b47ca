//! The co-operator as a program: how it ends, and what it says, with a leader who lies and with none.

use std::{
    path::Path,
    process::{Command, Output},
};

use alloy::{
    network::EthereumWallet,
    primitives::B256,
    providers::{Provider as _, ProviderBuilder},
    signers::local::PrivateKeySigner,
};
use gpux_contracts::{
    DevelopmentOptions,
    anvil::{Anvil, KEYS, Options},
    deploy_development, keys,
};
use gpux_oracle::{
    log::{Frontier, leaf_hash},
    score::Parameters,
};
use gpux_proto::{
    evidence::Checkpoint,
    oracle::{
        CountersignRequest, CountersignResponse, GetCheckpointRequest, GetCheckpointResponse,
        GetConsistencyProofRequest, GetConsistencyProofResponse, GetEpochRequest, GetEpochResponse,
        GetInclusionProofRequest, GetInclusionProofResponse, ListEntriesRequest, ListEntriesResponse,
        log_service_server::{LogService, LogServiceServer},
    },
    signing::{self, Domain, SigningKey},
};
use tonic::{Request, Response, Status, async_trait};

type Answer<T> = Result<Response<T>, Status>;

/// A leader whose log is one entry.
struct Leader(Vec<u8>);

#[async_trait]
impl LogService for Leader {
    async fn get_checkpoint(&self, _: Request<GetCheckpointRequest>) -> Answer<GetCheckpointResponse> {
        let mut frontier = Frontier::new();
        frontier.append(leaf_hash(&self.0));
        let checkpoint = Checkpoint { chain_id: 1, scores: Vec::new(), size: 1, root: frontier.root().to_vec() };
        let checkpoint = Some(signing::sign(Domain::Checkpoint, &checkpoint, &SigningKey::from_bytes(&[9; 32])));
        Ok(Response::new(GetCheckpointResponse { checkpoint }))
    }
    async fn list_entries(&self, asked: Request<ListEntriesRequest>) -> Answer<ListEntriesResponse> {
        let start = asked.into_inner().start;
        let entries = [self.0.clone()].into_iter().skip(start as usize).collect();
        Ok(Response::new(ListEntriesResponse { start, entries }))
    }
    async fn get_inclusion_proof(&self, _: Request<GetInclusionProofRequest>) -> Answer<GetInclusionProofResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn get_consistency_proof(
        &self,
        _: Request<GetConsistencyProofRequest>,
    ) -> Answer<GetConsistencyProofResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn get_epoch(&self, _: Request<GetEpochRequest>) -> Answer<GetEpochResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn countersign(&self, _: Request<CountersignRequest>) -> Answer<CountersignResponse> {
        Err(Status::unimplemented("not asked for"))
    }
}

async fn serve(entry: Vec<u8>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port of this machine is free");
    let url = format!("http://{}", listener.local_addr().expect("a port of this machine is free"));
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    let server = tonic::transport::Server::builder().add_service(LogServiceServer::new(Leader(entry)));
    tokio::spawn(server.serve_with_incoming(incoming));
    url
}

fn once(folder: &Path, leader: &str, rpc: &str, deployment: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpux-oracle"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("GPUX_")) {
        command.env_remove(name);
    }
    command.args(["countersign", "--once", "--of", leader, "--rpc", rpc]);
    command.arg("--deployment").arg(deployment).arg("--data").arg(folder.join("data"));
    command.arg("--operator-key-file").arg(folder.join("operator.key"));
    command.output().expect("the binary starts")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lie_is_2_and_a_leader_who_is_away_is_1() {
    let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
    let anvil = Anvil::start(&contracts, &Options::default()).unwrap();
    let [admin, operator] = [0, 1].map(|index: usize| PrivateKeySigner::from_bytes(&KEYS[index]).unwrap());
    let provider = ProviderBuilder::new().wallet(EthereumWallet::from(admin.clone()));
    let provider = provider.connect_http(anvil.endpoint().parse().unwrap()).erased();
    let digest = B256::from(Parameters::development().digest());
    let options = DevelopmentOptions::relaxed(admin.address(), operator.address(), digest);
    let deployment = deploy_development(provider, &options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = deployment.write(folder.path()).unwrap();
    keys::create(&folder.path().join("operator.key"), &operator.to_bytes().0).unwrap();
    let run = async |leader: String| {
        let (folder, rpc, record) = (folder.path().to_owned(), anvil.endpoint(), record.clone());
        let output = tokio::task::spawn_blocking(move || once(&folder, &leader, &rpc, &record)).await.unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, words) = run("http://127.0.0.1:1".into()).await;
    assert_eq!(code, Some(1), "{words}");
    assert!(words.contains("the leader shows no checkpoint"), "{words}");
    let (code, words) = run(serve(vec![0xff; 5]).await).await;
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("epoch 1 is not signed: entry 0 of the leader's log: entry cannot be decoded"), "{words}");
    // Another leader, or the same one who has thought again: what was copied is not what he shows.
    let (code, words) = run(serve(vec![0xfe; 5]).await).await;
    assert_eq!(code, Some(2), "{words}");
    assert!(words.contains("entry 0 of the leader's log: the leader rewrote its log"), "{words}");
}
