//! Which addresses are public, after the special-purpose registries of IANA.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// This machine.
pub(super) const LOOPBACK: [IpNet; 2] =
    [IpNet::V4(v4([127, 0, 0, 0], 8)), IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128))];

const fn v4([a, b, c, d]: [u8; 4], prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, third: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, third, 0, 0, 0, 0, 0), prefix)
}

/// Not public although nobody's name is on it, or public and still nobody's business.
const V4_SPECIAL: [Ipv4Net; 20] = [
    // This network: Linux connects 0.0.0.0 to itself.
    v4([0, 0, 0, 0], 8),
    // Private, and shared by carriers; some clouds' metadata services are in the latter.
    v4([10, 0, 0, 0], 8),
    v4([172, 16, 0, 0], 12),
    v4([192, 168, 0, 0], 16),
    v4([100, 64, 0, 0], 10),
    v4([127, 0, 0, 0], 8),
    // Link-local: the metadata service of most clouds.
    v4([169, 254, 0, 0], 16),
    // Azure's platform channel, inside public space.
    v4([168, 63, 129, 16], 32),
    // IETF protocols, documentation, benchmarks.
    v4([192, 0, 0, 0], 24),
    v4([192, 0, 2, 0], 24),
    v4([198, 51, 100, 0], 24),
    v4([203, 0, 113, 0], 24),
    v4([198, 18, 0, 0], 15),
    // 6to4 relays, AS112 and AMT: anycast to whoever is near.
    v4([192, 88, 99, 0], 24),
    v4([192, 31, 196, 0], 24),
    v4([192, 52, 193, 0], 24),
    v4([192, 175, 48, 0], 24),
    // Multicast; reserved, which includes broadcast.
    v4([224, 0, 0, 0], 4),
    v4([240, 0, 0, 0], 4),
    v4([255, 255, 255, 255], 32),
];

/// All that has been handed out. Loopback, IPv4-compatible, NAT64, unique-local, link-local, site-local, discard,
/// segment routing and multicast addresses lie outside.
const V6_GLOBAL_UNICAST: Ipv6Net = v6(0x2000, 0, 0, 3);

/// Special parts of global unicast.
const V6_SPECIAL: [Ipv6Net; 6] = [
    // IETF protocols: Teredo, which carries an IPv4 address; benchmarks; ORCHID.
    v6(0x2001, 0, 0, 23),
    // Documentation.
    v6(0x2001, 0x0db8, 0, 32),
    v6(0x3fff, 0, 0, 20),
    // 6to4, which carries an IPv4 address.
    v6(0x2002, 0, 0, 16),
    // AS112.
    v6(0x2620, 0x004f, 0x8000, 48),
    // The 6bone, given back in 2006.
    v6(0x3ffe, 0, 0, 16),
];

/// Takes a canonical address: an IPv4-mapped one has become IPv4.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !V4_SPECIAL.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => {
            V6_GLOBAL_UNICAST.contains(&address)
                && !V6_SPECIAL.iter().any(|network| network.contains(&address))
                && !is_isatap(address)
        }
    }
}

/// The IPv4 address that an address of the well-known NAT64 prefix, `64:ff9b::/96`, is translated to.
pub(super) fn behind_nat64(address: IpAddr) -> Option<Ipv4Addr> {
    const PREFIX: Ipv6Net = v6(0x0064, 0xff9b, 0, 96);
    match address {
        IpAddr::V6(address) if PREFIX.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            Some(Ipv4Addr::new(a, b, c, d))
        }
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// An ISATAP address ends in `0:5efe` or `200:5efe` and an IPv4 address, whatever network it is in.
fn is_isatap(address: Ipv6Addr) -> bool {
    let [_, _, _, _, flags, marker, _, _] = address.segments();
    marker == 0x5efe && matches!(flags, 0 | 0x0200)
}
