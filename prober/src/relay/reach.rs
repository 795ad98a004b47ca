//! Connects to an endpoint that a stranger announced. Anybody can announce a node, so a relay that called every endpoint would
//! call its own machine and its neighbours for him: outside a development market only public addresses are called, and the
//! address that was checked is the one that is connected to, whatever the name resolves to a moment later.
use super::error::Error;
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::time::timeout;
use tonic::transport::{Channel, Endpoint, Uri};

/// How long a node may take to accept a connection. Together with an answer it stays below what fishers wait.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Addresses of one name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// Which addresses may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Public ones.
    Public,
    /// All: in a development market nodes run on this machine.
    All,
}

/// Connects to a node.
pub(super) async fn connect(endpoint: &Uri, scope: Scope) -> Result<Channel, Error> {
    let unreachable = |why: &str| Error::Unreachable(format!("{endpoint} {why}"));
    let host = endpoint.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let scheme = endpoint.scheme_str().unwrap_or("http");
    let port = endpoint.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    let found = timeout(CONNECT_MAX, tokio::net::lookup_host((host, port))).await;
    let found: Vec<SocketAddr> = match found {
        Ok(Ok(addresses)) => addresses.take(ADDRESSES_MAX).collect(),
        _ => return Err(unreachable("has a name that leads nowhere")),
    };
    let allowed = found.iter().find(|address| scope == Scope::All || is_public(address.ip()));
    let address = allowed.ok_or_else(|| unreachable("is no public address"))?;
    let to = Endpoint::from_shared(format!("{scheme}://{address}")).map_err(|_| unreachable("is no address"))?;
    let to = to.origin(endpoint.clone()).connect_timeout(CONNECT_MAX).tcp_nodelay(true);
    match timeout(CONNECT_MAX, to.connect()).await {
        Ok(Ok(channel)) => Ok(channel),
        _ => Err(unreachable("accepts no connection")),
    }
}

/// Whether an address is one of the public internet (IANA's special-purpose registries, RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let special = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        // "This network", shared address space (RFC 6598), protocol assignments, benchmarks, and class E with broadcast.
        || a == 0
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (18..20).contains(&b))
        || a >= 240;
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // An address that holds one of IPv4 is what that one is, also behind NAT64 (RFC 6052).
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    match address.segments() {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low))),
        // Global unicast, without documentation, Teredo and 6to4, which hold another address.
        [0x2001, 0 | 0xdb8, ..] | [0x2002, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_called_outside_a_development_market() {
        for own in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.1.1",
            "172.16.0.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "255.255.255.255",
            "224.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
        ] {
            assert!(!is_public(own.parse().unwrap()), "{own}");
        }
        for public in ["1.1.1.1", "100.128.0.1", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::808:808"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn a_private_endpoint_is_no_node() {
        for endpoint in ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"] {
            let error = connect(&endpoint.parse().unwrap(), Scope::Public).await.unwrap_err().to_string();
            assert!(error.contains("no public address") || error.contains("leads nowhere"), "{error}");
        }
        let error = connect(&"http://127.0.0.1:1".parse().unwrap(), Scope::All).await.unwrap_err().to_string();
        assert!(error.contains("accepts no connection"), "{error}");
    }
}
