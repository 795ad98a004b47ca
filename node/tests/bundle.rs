//! The binary asks an oracle for the bundle of a case: it signs for this case, this market and a short time, as the provider.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on must fail")]
use alloy::primitives::{Address, B256};
use gpux_contracts::{Deployment, anvil::KEYS, opening_digest};
use gpux_proto::{
    bytes::{from_hex, to_hex},
    oracle::{
        CommitReportRequest, CommitReportResponse, GetBundleRequest, GetBundleResponse, GetReportRequest,
        GetReportResponse, ListReportsRequest, ListReportsResponse, SubmitReportRequest, SubmitReportResponse,
        SubmitStampsRequest, SubmitStampsResponse,
        evidence_service_server::{EvidenceService, EvidenceServiceServer},
    },
    signing::{self, Domain, recover_ecdsa},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output},
    time::{SystemTime, UNIX_EPOCH},
};
use tonic::{Request, Response, Status, async_trait};

const CASE: [u8; 32] = [0xca; 32];
const BUNDLE: &[u8] = b"what happened in a session";

type Answer<T> = Result<Response<T>, Status>;

fn deployment() -> Deployment {
    let address = Address::repeat_byte;
    Deployment {
        chain_id: 31_337,
        development: true,
        block: 0,
        token: address(1),
        access_manager: address(2),
        rentals: address(3),
        bonds: address(4),
        scores: address(5),
        court: address(6),
        rewards: address(7),
        epoch_length_seconds: 5,
    }
}

fn provider() -> Address {
    alloy::signers::local::PrivateKeySigner::from_bytes(&KEYS[1]).unwrap().address()
}

/// Shows one case's bundle to the provider.
struct Oracle;

#[async_trait]
impl EvidenceService for Oracle {
    async fn get_bundle(&self, request: Request<GetBundleRequest>) -> Answer<GetBundleResponse> {
        let GetBundleRequest { digest, opening } = request.into_inner();
        if digest != format!("cases/{}", to_hex(&CASE)) {
            return Err(Status::not_found("no such case"));
        }
        let opening = opening.unwrap();
        #[allow(clippy::disallowed_methods, reason = "the opening is compared with the machine's clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((now..=now + 3_600).contains(&opening.valid_until));
        let of = deployment();
        let digest = opening_digest(B256::from(CASE), opening.valid_until, of.chain_id, of.court).unwrap();
        let signature: [u8; 65] = from_hex("signature", &opening.signature).unwrap();
        let account = recover_ecdsa("opening", &digest.0, &signature).unwrap();
        assert_eq!((account, opening.account), (provider(), to_hex(provider().as_slice())));
        Ok(Response::new(GetBundleResponse { bundle: BUNDLE.to_vec() }))
    }
    async fn commit_report(&self, _: Request<CommitReportRequest>) -> Answer<CommitReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn submit_report(&self, _: Request<SubmitReportRequest>) -> Answer<SubmitReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn submit_stamps(&self, _: Request<SubmitStampsRequest>) -> Answer<SubmitStampsResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn get_report(&self, _: Request<GetReportRequest>) -> Answer<GetReportResponse> {
        Err(Status::unimplemented("not asked for"))
    }
    async fn list_reports(&self, _: Request<ListReportsRequest>) -> Answer<ListReportsResponse> {
        Err(Status::unimplemented("not asked for"))
    }
}

async fn serve() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let incoming = tokio_stream::wrappers::TcpListenerStream::new(listener);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(EvidenceServiceServer::new(Oracle))
            .serve_with_incoming(incoming),
    );
    url
}

fn ask(folder: &Path, url: &str, case: &[u8; 32]) -> Output {
    let key = folder.join("provider.key");
    fs::write(&key, to_hex(KEYS[1].as_slice())).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpux-node"));
    command.args([
        "case",
        "bundle",
        &format!("cases/{}", to_hex(case)),
        "--oracle",
        url,
        "--rpc",
        "http://127.0.0.1:1",
    ]);
    command.arg("--to").arg(folder.join("bundle")).arg("--provider-key-file").arg(key);
    command.arg("--deployment").arg(deployment().write(folder).unwrap()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_fetches_what_he_is_accused_with() {
    let (folder, url) = (tempfile::tempdir().unwrap(), serve().await);
    let run = async |case: [u8; 32]| {
        let (folder, url) = (folder.path().to_owned(), url.clone());
        tokio::task::spawn_blocking(move || ask(&folder, &url, &case)).await.unwrap()
    };
    let other = run([1; 32]).await;
    assert!(!other.status.success() && !folder.path().join("bundle").exists());
    let words = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(words.contains("the oracle does not show it: no such case"), "{words}");

    let found = run(CASE).await;
    assert!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    assert_eq!(fs::read(folder.path().join("bundle")).unwrap(), BUNDLE);
    let id = to_hex(&signing::id(Domain::Bundle, BUNDLE));
    assert_eq!(String::from_utf8_lossy(&found.stdout), format!("bundle {id}\n"));
    assert!(!run(CASE).await.status.success(), "a file that is there is not written over");
}
