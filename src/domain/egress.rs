//! Where requests may go: customers name the URLs, so without rules they could make this program knock on its own
//! database, on its cloud's metadata service, or on its neighbours.
//!
//! A destination is judged twice, by the same policy. [`EgressPolicy::check_url`] looks at the text: it parses once,
//! with the parser that the client uses, so every odd spelling of an address has become that address; what it returns
//! is what must be stored and requested. [`EgressPolicy::check_address`] looks at what a name resolved to, for each
//! address, at each attempt: a name can resolve to one thing when it is registered and to another when it is used. The
//! client may connect to nothing but addresses that passed. IPv6 is judged by what has been handed out to the public:
//! the rest of that space, known or not, is refused.
//!
//! In order: what the operator denies, what the operator allows, then the rules.

mod address;
mod header;

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

pub use self::header::{
    HEADERS_BYTES_MAX, HEADERS_MAX, HeaderDenied, check_header, check_headers, may_carry_signature,
};

/// The most characters in a URL.
pub const URL_CHARS_MAX: usize = 2048;

/// Below this, only [`WEB_PORTS`] are allowed: everything else there is a system service.
const UNRESERVED_PORTS_FROM: u16 = 1024;
const WEB_PORTS: [u16; 2] = [80, 443];
/// Databases, brokers and control planes that listen above 1024 and speak, or can be tricked by, text.
const SERVICE_PORTS: [u16; 32] = [
    1433, 1521, 2049, 2181, 2375, 2376, 2379, 2380, 3306, 3389, 4369, 5432, 5671, 5672, 5984, 5985, 6379, 6443, 8500,
    9042, 9092, 9200, 9300, 10_250, 10_255, 11_211, 15_672, 25_672, 26_379, 27_017, 27_018, 50_070,
];
/// Names under these never lead to somebody else's public server.
const PRIVATE_SUFFIXES: [&str; 7] = ["localhost", "local", "localdomain", "internal", "intranet", "home.arpa", "svc"];

/// Which destinations are allowed. The default, strictest policy is for production.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EgressPolicy {
    /// Whether plain `http` is allowed beside `https`.
    pub allow_http: bool,
    /// Networks that are allowed although they are not public, such as `10.20.0.0/16`.
    pub allow_networks: Vec<IpNet>,
    /// Networks that are denied, such as the deployment's own public addresses. Stronger than all else.
    pub deny_networks: Vec<IpNet>,
    /// Exact host names that are allowed although they look private, such as `localhost`. What they resolve to must
    /// still be public or in `allow_networks`.
    pub allow_hosts: Vec<String>,
    /// Ports that are denied beside the usual ones of databases and brokers.
    pub deny_ports: Vec<u16>,
}

/// Why a URL may not be requested.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlDenied {
    /// Longer than [`URL_CHARS_MAX`].
    #[error("must have at most {URL_CHARS_MAX} characters")]
    TooLong,
    /// Not an absolute URL, or one with characters that parsers disagree about.
    #[error("must be an absolute URL without spaces, control characters or backslashes")]
    Malformed,
    /// Plain HTTP where it is not allowed.
    #[error("must start with `https://`")]
    NotHttps,
    /// Neither of the two.
    #[error("must start with `https://` or `http://`")]
    Scheme,
    /// A user name or password in the URL.
    #[error("must not contain a user name or password")]
    Userinfo,
    /// Something after `#`.
    #[error("must not contain a fragment")]
    Fragment,
    /// A port that is not for web servers.
    #[error("must not use port {port}: use 443, 80, or one above 1023 that no database or broker uses")]
    Port {
        /// Which.
        port: u16,
    },
    /// A name that can only be somebody's own network.
    #[error("must name a public host")]
    Host,
    /// An address in place of a name, and not an allowed one.
    #[error(transparent)]
    Address(#[from] AddressDenied),
}

/// Why an address may not be connected to. Both reasons read the same: how an internal address is refused must not
/// tell a customer what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressDenied {
    /// The operator denies its network.
    ByOperator,
    /// It is not a public address.
    NotPublic,
}

impl fmt::Display for AddressDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must lead to a public address")
    }
}

impl std::error::Error for AddressDenied {}

impl EgressPolicy {
    /// For development and tests: plain HTTP, and this machine besides the public internet.
    #[must_use]
    pub fn dev() -> Self {
        Self {
            allow_http: true,
            allow_networks: address::LOOPBACK.to_vec(),
            allow_hosts: vec!["localhost".to_owned()],
            ..Self::default()
        }
    }

    /// Parses and judges a URL. Store and request the returned one, never the text.
    ///
    /// # Errors
    /// With the first rule that it breaks.
    pub fn check_url(&self, text: &str) -> Result<Url, UrlDenied> {
        if text.len() > URL_CHARS_MAX {
            return Err(UrlDenied::TooLong);
        }
        // The parser would drop or convert these; other parsers on the way may not.
        if text.chars().any(|c| c.is_ascii_control() || c.is_whitespace() || c == '\\') {
            return Err(UrlDenied::Malformed);
        }
        let mut url = Url::parse(text).map_err(|_| UrlDenied::Malformed)?;
        self.check_scheme(&url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(UrlDenied::Userinfo);
        }
        if url.fragment().is_some() {
            return Err(UrlDenied::Fragment);
        }
        self.check_port(&url)?;
        strip_trailing_dot(&mut url)?;
        match url.host() {
            Some(Host::Domain(name)) => self.check_name(name)?,
            Some(Host::Ipv4(address)) => self.check_address(address.into())?,
            Some(Host::Ipv6(address)) => self.check_address(address.into())?,
            None => return Err(UrlDenied::Malformed),
        }
        // Escaping can make a URL longer than its text.
        if url.as_str().len() > URL_CHARS_MAX { Err(UrlDenied::TooLong) } else { Ok(url) }
    }

    /// Judges an address that is about to be connected to.
    ///
    /// # Errors
    /// When it is denied, or neither allowed nor public.
    pub fn check_address(&self, address: IpAddr) -> Result<(), AddressDenied> {
        let address = address.to_canonical();
        let is_in = |networks: &[IpNet]| networks.iter().any(|network| network.contains(&address));
        if is_in(&self.deny_networks) {
            Err(AddressDenied::ByOperator)
        } else if is_in(&self.allow_networks) {
            // Where a NAT64 prefix is allowed, what it leads to still has to be.
            address::behind_nat64(address).map_or(Ok(()), |behind| self.check_address(behind.into()))
        } else if address::is_public(address) {
            Ok(())
        } else {
            Err(AddressDenied::NotPublic)
        }
    }

    fn check_scheme(&self, url: &Url) -> Result<(), UrlDenied> {
        match (url.scheme(), self.allow_http) {
            ("https", _) | ("http", true) => Ok(()),
            (_, false) => Err(UrlDenied::NotHttps),
            (_, true) => Err(UrlDenied::Scheme),
        }
    }

    fn check_port(&self, url: &Url) -> Result<(), UrlDenied> {
        let port = url.port_or_known_default().ok_or(UrlDenied::Malformed)?;
        let for_web = WEB_PORTS.contains(&port) || (port >= UNRESERVED_PORTS_FROM && !SERVICE_PORTS.contains(&port));
        if for_web && !self.deny_ports.contains(&port) { Ok(()) } else { Err(UrlDenied::Port { port }) }
    }

    fn check_name(&self, name: &str) -> Result<(), UrlDenied> {
        let is_under =
            |suffix: &str| name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        if self.allow_hosts.iter().any(|host| host.eq_ignore_ascii_case(name)) {
            return Ok(());
        }
        let dotted = name.contains('.') && name.split('.').all(|label| !label.is_empty());
        if dotted && !PRIVATE_SUFFIXES.into_iter().any(is_under) { Ok(()) } else { Err(UrlDenied::Host) }
    }
}

/// `example.com.` is `example.com`, but certificates and suffix rules know only the latter.
fn strip_trailing_dot(url: &mut Url) -> Result<(), UrlDenied> {
    let Some(stripped) = url.domain().and_then(|name| name.strip_suffix('.')).map(str::to_owned) else {
        return Ok(());
    };
    url.set_host(Some(&stripped)).map_err(|_| UrlDenied::Host)
}

#[cfg(test)]
mod tests;
