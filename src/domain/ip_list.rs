//! From where an API key works, and where a request comes from.
//!
//! An IPv4 address may also be written as an IPv6 one (`::ffff:192.0.2.1`), and some sockets do so: both spellings are
//! one address here, in lists as in requests.

use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

/// The most entries of a list.
pub const IP_LIST_ENTRIES_MAX: usize = 100;

/// How much longer the prefix of an IPv4 network is when it is written as an IPv6 one.
const MAPPED_PREFIX: u8 = 96;

/// An address or a network, such as `192.0.2.1` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IpRange(IpNet);

/// A text that is no range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an address such as `192.0.2.1` or a network such as `2001:db8::/32`")]
pub struct InvalidIpRange;

impl IpRange {
    /// Whether an address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for IpRange {
    type Err = InvalidIpRange;

    fn from_str(text: &str) -> Result<Self, InvalidIpRange> {
        let text = text.trim();
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self(IpNet::from(address.to_canonical())));
        }
        let network: IpNet = text.parse().map_err(|_| InvalidIpRange)?;
        Ok(Self(canonical(network.trunc())))
    }
}

/// A network of IPv4 addresses as one of IPv4.
fn canonical(network: IpNet) -> IpNet {
    let IpNet::V6(v6) = network else { return network };
    let mapped = v6.prefix_len().checked_sub(MAPPED_PREFIX).zip(v6.network().to_ipv4_mapped());
    let v4 = mapped.and_then(|(prefix, address): (u8, Ipv4Addr)| Ipv4Net::new(address, prefix).ok());
    v4.map_or(network, IpNet::V4)
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.prefix_len() == self.0.max_prefix_len() { self.0.addr().fmt(f) } else { self.0.fmt(f) }
    }
}

impl TryFrom<String> for IpRange {
    type Error = InvalidIpRange;

    fn try_from(text: String) -> Result<Self, InvalidIpRange> {
        text.parse()
    }
}

impl From<IpRange> for String {
    fn from(range: IpRange) -> Self {
        range.to_string()
    }
}

/// The ranges that a key works from; from everywhere when there are none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IpList(Vec<IpRange>);

impl IpList {
    /// A list of these ranges, each once.
    #[must_use]
    pub fn new(ranges: impl IntoIterator<Item = IpRange>) -> Self {
        let mut list: Vec<IpRange> = Vec::new();
        for range in ranges {
            if !list.contains(&range) {
                list.push(range);
            }
        }
        Self(list)
    }

    /// Whether a key with this list works from an address.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.0.iter().any(|range| range.contains(address))
    }

    /// Whether it restricts nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Who sent a request: whoever connected, or, where that is a proxy of ours, whom the proxy names.
///
/// Each proxy adds the address that it saw to the end of `X-Forwarded-For`; what stands before that, the client may have
/// made up. So the list is read from its end, and the first address that is not a trusted proxy is the client. `forwarded`
/// has all values of the header in their order. What cannot be read is not skipped: the last hop that is known stands.
#[must_use]
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &[IpNet],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| canonical(*network).contains(&address));
    let mut client = peer.to_canonical();
    for hop in forwarded.rev().flat_map(|value| value.rsplit(',')) {
        if !is_trusted(client) {
            break;
        }
        let Some(address) = hop_address(hop) else { break };
        client = address;
    }
    client
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn hop_address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse::<IpAddr>().ok();
    let address = address.or_else(|| Some(hop.parse::<std::net::SocketAddr>().ok()?.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(entries: &[&str]) -> IpList {
        IpList::new(entries.iter().map(|entry| entry.parse().unwrap()))
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_range_is_shown_as_people_write_it() {
        let shown = |text: &str| text.parse::<IpRange>().map(|range| range.to_string());
        assert_eq!(shown(" 192.0.2.1 ").unwrap(), "192.0.2.1");
        assert_eq!(shown("192.0.2.1/32").unwrap(), "192.0.2.1");
        assert_eq!(shown("10.1.2.3/8").unwrap(), "10.0.0.0/8");
        assert_eq!(shown("2001:DB8::1/32").unwrap(), "2001:db8::/32");
        assert_eq!(shown("::ffff:192.0.2.1").unwrap(), "192.0.2.1");
        assert_eq!(shown("::ffff:192.0.2.0/120").unwrap(), "192.0.2.0/24");
        assert_eq!(shown("::/0").unwrap(), "::/0");
        for bad in
            ["", "192.0.2", "192.0.2.1/33", "192.0.2.1/", "example.com", "192.0.2.1-9", "2001:db8::/129", "010.0.0.1"]
        {
            assert!(shown(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_empty_list_restricts_nothing_and_any_other_does() {
        assert!(list(&[]).admits(ip("203.0.113.9")));
        let some = list(&["192.0.2.0/24", "2001:db8::1"]);
        assert!(
            some.admits(ip("192.0.2.255")) && some.admits(ip("::ffff:192.0.2.7")) && some.admits(ip("2001:db8::1"))
        );
        assert!(!some.admits(ip("192.0.3.0")) && !some.admits(ip("2001:db8::2")));
        // All of IPv6 is not IPv4.
        assert!(!list(&["::/0"]).admits(ip("192.0.2.1")));
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = [ip("10.0.0.0").into(), "10.0.0.0/8".parse().unwrap(), "::ffff:172.16.0.0/108".parse().unwrap()];
        let client =
            |peer: &str, values: &[&str]| client_address(ip(peer), values.iter().copied(), &trusted).to_string();
        // Nobody in front of us: the header is the client's invention.
        assert_eq!(client("203.0.113.9", &["192.0.2.1"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(client("::ffff:10.0.0.1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(client("172.17.0.1", &["[2001:db8::1]:99"]), "2001:db8::1");
        // The client wrote the first, our proxy the second.
        assert_eq!(client("10.0.0.1", &["192.0.2.1, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(client("10.0.0.1", &["192.0.2.1", "203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        // A chain of our own only.
        assert_eq!(client("10.0.0.1", &["10.0.0.3, 10.0.0.2"]), "10.0.0.3");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
        // What cannot be read ends it.
        assert_eq!(client("10.0.0.1", &["192.0.2.1, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &["192.0.2.1, unknown, 10.0.0.2"]), "10.0.0.2");
        assert_eq!(client_address(ip("10.0.0.1"), ["192.0.2.1"].into_iter(), &[]), ip("10.0.0.1"));
    }

    proptest! {
        #[test]
        fn whatever_a_client_writes_it_cannot_choose_its_address(forged in "\\PC{0,60}") {
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            let values = [forged.as_str(), "203.0.113.9"];
            prop_assert_eq!(client_address(ip("10.0.0.1"), values.into_iter(), &trusted), ip("203.0.113.9"));
        }

        #[test]
        fn a_range_reads_what_it_shows(text in "[0-9a-f:.]{1,20}(/[0-9]{1,3})?") {
            if let Ok(range) = text.parse::<IpRange>() {
                prop_assert_eq!(range.to_string().parse::<IpRange>(), Ok(range));
            }
        }
    }
}
