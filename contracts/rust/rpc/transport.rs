//! JSON-RPC over HTTP with an end to every answer: a chain's node is a stranger, and must not fill our memory.

use std::{task, time::Duration};

use alloy::{
    rpc::json_rpc::{RequestPacket, ResponsePacket},
    transports::{TransportError, TransportErrorKind, TransportFut, http::reqwest},
};
use tower::Service;

use super::cut;

/// The largest answer: some 65,536 logs, a block of which Optimism has room for 20,000.
pub(super) const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A connection that reads no answer to its end when that is too far.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    url: reqwest::Url,
    bytes_max: usize,
}

impl Transport {
    pub(super) fn new(url: reqwest::Url, limit: Duration, bytes_max: usize) -> Self {
        let client = reqwest::Client::builder().timeout(limit).build();
        Self { client: client.expect("the TLS library and its roots are linked in"), url, bytes_max }
    }

    async fn ask(self, request: RequestPacket) -> Result<ResponsePacket, TransportError> {
        let post = self.client.post(self.url).headers(request.headers()).json(&request);
        let mut answer = post.send().await.map_err(TransportErrorKind::custom)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(TransportErrorKind::custom)? {
            if body.len() + piece.len() > self.bytes_max {
                let words = format!("the answer is larger than {} bytes", self.bytes_max);
                return Err(TransportErrorKind::custom_str(&words));
            }
            body.extend_from_slice(&piece);
        }
        let words = || cut(&String::from_utf8_lossy(&body[..body.len().min(1_024)]));
        match serde_json::from_slice::<ResponsePacket>(&body) {
            // Many nodes send an error of JSON-RPC with a status of HTTP that says so as well.
            Ok(packet) if status.is_success() || packet.is_error() => Ok(packet),
            Ok(_) => Err(TransportErrorKind::http_error(status.as_u16(), words())),
            Err(_) if !status.is_success() => Err(TransportErrorKind::http_error(status.as_u16(), words())),
            Err(error) => Err(TransportError::deser_err(error, words())),
        }
    }
}

impl Service<RequestPacket> for Transport {
    type Response = ResponsePacket;
    type Error = TransportError;
    type Future = TransportFut<'static>;

    fn poll_ready(&mut self, _: &mut task::Context<'_>) -> task::Poll<Result<(), TransportError>> {
        task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: RequestPacket) -> Self::Future {
        Box::pin(self.clone().ask(request))
    }
}

#[cfg(test)]
mod tests {
    use alloy::{primitives::U64, rpc::client::RpcClient, transports::RpcError};
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::*;

    const BYTES_MAX: usize = 256;

    /// Asks a node that gives this answer, and keeps the connection open.
    async fn asked(answer: String) -> Result<U64, TransportError> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4_096];
            let _read = stream.read(&mut request).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            std::future::pending::<()>().await;
        });
        RpcClient::new(Transport::new(url, Duration::from_secs(10), BYTES_MAX), true)
            .request_noparams("eth_chainId")
            .await
    }

    fn http(status: &str, body: &str) -> String {
        format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    #[tokio::test]
    async fn an_answer_is_read_and_an_error_keeps_its_words() {
        let answer = asked(http("200 OK", r#"{"jsonrpc":"2.0","id":0,"result":"0x7"}"#)).await;
        assert_eq!(answer.unwrap(), U64::from(7));
        for status in ["200 OK", "429 Too Many Requests"] {
            let error = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"slow down"}}"#;
            let answer = asked(http(status, error)).await.unwrap_err();
            assert_eq!(answer.as_error_resp().unwrap().message, "slow down");
        }
        let answer = asked(http("502 Bad Gateway", "<html>\u{7}down</html>")).await.unwrap_err();
        let Some(TransportErrorKind::HttpError(error)) = answer.as_transport_err() else { panic!("{answer}") };
        assert_eq!((error.status, error.body.as_str()), (502, "<html>down</html>"));
        let nonsense = asked(http("200 OK", "nonsense")).await.unwrap_err();
        assert!(matches!(nonsense, RpcError::DeserError { .. }), "{nonsense}");
    }

    #[tokio::test]
    async fn an_answer_without_end_is_left() {
        let endless =
            format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{0:x}\r\n{1}\r\n", 300, " ".repeat(300));
        let long = http("200 OK", &format!(r#"{{"jsonrpc":"2.0","id":0,"result":"0x7"{}}}"#, " ".repeat(BYTES_MAX)));
        for answer in [endless, long] {
            let error = asked(answer).await.unwrap_err().to_string();
            assert!(error.contains("larger than 256 bytes"), "{error}");
        }
    }
}
