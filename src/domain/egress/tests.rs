use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use proptest::prelude::*;

fn production() -> EgressPolicy {
    EgressPolicy { allow_http: true, ..EgressPolicy::default() }
}

fn policy(toml: &str) -> EgressPolicy {
    toml::from_str(toml).unwrap()
}

/// With plain HTTP allowed, so that it is never the scheme that saves us.
fn is_denied(url: &str) -> bool {
    production().check_url(url).is_err()
}

#[test]
fn public_destinations_are_allowed_and_normalised() {
    for (text, normalised) in [
        ("https://example.com", "https://example.com/"),
        ("HTTPS://Example.COM:443/a/../b?c=d", "https://example.com/b?c=d"),
        ("https://example.com.:8443/hook", "https://example.com:8443/hook"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://hooks.internal.example.com/", "https://hooks.internal.example.com/"),
        ("https://notlocalhost.example/", "https://notlocalhost.example/"),
        ("https://8.8.8.8:8080/", "https://8.8.8.8:8080/"),
        ("https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/"),
    ] {
        assert_eq!(EgressPolicy::default().check_url(text).unwrap().as_str(), normalised);
    }
}

#[test]
fn every_spelling_of_an_internal_ipv4_address_is_denied() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "0",
        "0x0",
        "169.254.43518",
        "0xA9FEA9FE",
        "127.0.0.1.",
        "１２７.０.０.１",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "127%2e0%2e0%2e1",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "192.0.0.192",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "198.19.255.255",
        "192.88.99.1",
        "192.31.196.1",
        "192.52.193.1",
        "192.175.48.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
    ] {
        assert!(is_denied(&format!("http://{host}/")), "{host}");
    }
}

#[test]
fn every_internal_ipv6_address_is_denied() {
    for host in [
        "::",
        "::1",
        "fc00::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "100:0:0:1::1",
        "5f00::1",
        "4000::1",
        "::ffff:127.0.0.1",
        "0:0:0:0:0:ffff:a9fe:a9fe",
        "::ffff:0:127.0.0.1",
        "::127.0.0.1",
        "64:ff9b::127.0.0.1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2001::1",
        "2001:0:7f00:1::",
        "2606:4700::5efe:10.0.0.1",
        "2606:4700::200:5efe:10.0.0.1",
        "2001:db8::1",
        "3fff::1",
        "3ffe::1",
        "2001:10::1",
        "2001:20::1",
        "2620:4f:8000::1",
    ] {
        assert!(is_denied(&format!("http://[{host}]/")), "{host}");
        let address: Ipv6Addr = host.parse().unwrap();
        assert!(production().check_address(address.into()).is_err(), "{host}");
    }
    assert!(is_denied("http://[fe80::1%25eth0]/") && is_denied("http://[fe80::1%eth0]/"));
}

#[test]
fn names_of_internal_hosts_are_denied() {
    for host in [
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost",
        "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
        "local\u{ad}host",
        "loc%61lhost",
        "printer.local",
        "db.internal",
        "metadata.google.internal",
        "metadata.google.internal.",
        "router.home.arpa",
        "kubernetes",
        "kube-dns.kube-system.svc",
        "x.svc.cluster.local",
        "host.localdomain",
        "example..com",
        ".example.com",
    ] {
        assert!(is_denied(&format!("http://{host}/")), "{host}");
    }
}

#[test]
fn tricks_on_parsers_are_denied() {
    for url in [
        "",
        "example.com",
        "//example.com",
        "/hook",
        "http://",
        "http:///127.0.0.1/",
        "http:127.0.0.1",
        "http://a@127.0.0.1:80@evil.example/",
        "http://user@example.com/",
        "http://:pw@example.com/",
        "http://evil.example#@127.0.0.1/",
        "http://example.com/#",
        "http://evil.example\\@127.0.0.1/",
        "http://127.0.0.1\t/",
        "http://example.com/a b",
        " http://example.com/",
        "http://example.com/\r\nHost:x",
        "http://exam\nple.com/",
        "http://ex%00ample.com/",
        "http://example.com:65536/",
        "http://256.256.256.256/",
    ] {
        assert!(is_denied(url), "{url:?}");
    }
    assert_eq!(production().check_url(&format!("http://a.example/{}", "a".repeat(2048))), Err(UrlDenied::TooLong));
    assert_eq!(production().check_url(&format!("http://a.example/{}", "é".repeat(1000))), Err(UrlDenied::TooLong));
}

#[test]
fn only_web_schemes_and_ports_are_allowed() {
    let strict = EgressPolicy::default();
    assert_eq!(strict.check_url("http://example.com/"), Err(UrlDenied::NotHttps));
    for url in ["file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "unix:/run/x", "ws://example.com/"]
    {
        assert_eq!(production().check_url(url), Err(UrlDenied::Scheme), "{url}");
        assert_eq!(strict.check_url(url), Err(UrlDenied::NotHttps), "{url}");
    }
    for port in [0, 1, 22, 25, 110, 444, 1023, 2375, 5432, 5672, 6379, 9200, 11_211, 15_672, 27_017] {
        let url = format!("https://example.com:{port}/");
        assert_eq!(strict.check_url(&url), Err(UrlDenied::Port { port }));
    }
    for port in [80, 443, 1024, 3000, 8080, 8443, 65_535] {
        assert!(strict.check_url(&format!("https://example.com:{port}/")).is_ok(), "{port}");
    }
    let denying = policy("deny_ports = [8080]");
    assert_eq!(denying.check_url("https://example.com:8080/"), Err(UrlDenied::Port { port: 8080 }));
}

#[test]
fn development_may_reach_this_machine_and_no_other_private_one() {
    let dev = EgressPolicy::dev();
    for url in ["http://localhost:4000/hook", "http://localhost./", "http://127.0.0.1:9999/", "http://[::1]:8000/"] {
        assert!(dev.check_url(url).is_ok(), "{url}");
    }
    for url in ["http://10.0.0.1/", "http://db.internal/", "http://169.254.169.254/", "http://localhost:5432/"] {
        assert!(dev.check_url(url).is_err(), "{url}");
    }
    assert!(dev.check_address(Ipv4Addr::new(127, 9, 9, 9).into()).is_ok());
}

#[test]
fn the_operator_allows_and_denies_and_denying_is_stronger() {
    let policy = policy(
        r#"
        allow_networks = ["10.0.0.0/8", "fd00::/8"]
        deny_networks = ["10.0.0.5/32", "8.8.8.0/24"]
        allow_hosts = ["hooks.internal"]
        "#,
    );
    assert!(policy.check_url("https://hooks.internal/").is_ok());
    assert_eq!(policy.check_url("https://other.internal/"), Err(UrlDenied::Host));
    let check = |text: &str| policy.check_address(text.parse().unwrap());
    assert_eq!(check("10.1.2.3"), Ok(()));
    assert_eq!(check("::ffff:10.1.2.3"), Ok(()), "the same address");
    assert_eq!(check("fd00::7"), Ok(()));
    assert_eq!(check("10.0.0.5"), Err(AddressDenied::ByOperator));
    assert_eq!(check("::ffff:8.8.8.8"), Err(AddressDenied::ByOperator));
    assert_eq!(check("192.168.0.1"), Err(AddressDenied::NotPublic));
    assert_eq!(AddressDenied::ByOperator.to_string(), AddressDenied::NotPublic.to_string());
}

#[test]
fn an_allowed_translator_does_not_lead_to_private_addresses() {
    let policy = policy(r#"allow_networks = ["64:ff9b::/96"]"#);
    let check = |text: &str| policy.check_address(text.parse().unwrap());
    assert_eq!(check("64:ff9b::8.8.8.8"), Ok(()));
    assert_eq!(check("64:ff9b::169.254.169.254"), Err(AddressDenied::NotPublic));
    assert_eq!(check("64:ff9b:1::8.8.8.8"), Err(AddressDenied::NotPublic));
}

#[test]
fn a_misspelt_setting_is_refused() {
    assert!(toml::from_str::<EgressPolicy>("allow_htp = true").is_err());
    assert_eq!(policy(""), EgressPolicy::default());
}

fn private_v4() -> impl Strategy<Value = Ipv4Addr> {
    let networks = [
        (0x0a00_0000, 8),
        (0xac10_0000, 12),
        (0xc0a8_0000, 16),
        (0x6440_0000, 10),
        (0x7f00_0000, 8),
        (0xa9fe_0000, 16),
        (0u32, 8),
    ];
    (prop::sample::select(networks.to_vec()), any::<u32>())
        .prop_map(|((network, prefix), host)| Ipv4Addr::from_bits(network | (host & (u32::MAX >> prefix))))
}

proptest! {
    #[test]
    fn garbage_never_panics_and_what_passes_passes_again(
        text in "\\PC{0,60}|https?://[a-zA-Z0-9.:@%/#?\\[\\]-]{0,40}",
    ) {
        for policy in [EgressPolicy::default(), EgressPolicy::dev()] {
            if let Ok(url) = policy.check_url(&text) {
                prop_assert_eq!(policy.check_url(url.as_str()), Ok(url));
            }
        }
    }

    #[test]
    fn a_private_ipv4_address_is_denied_however_it_is_spelt(address in private_v4()) {
        let (bits, [a, b, c, d]) = (address.to_bits(), address.octets());
        for host in [
            address.to_string(),
            format!("{address}."),
            bits.to_string(),
            format!("0x{bits:x}"),
            format!("0{bits:o}"),
            format!("0x{a:x}.0{b:o}.{c}.0x{d:X}"),
            format!("{a}.{}", bits & 0x00ff_ffff),
            format!("{a}.{b}.{}", bits & 0xffff),
            format!("[::ffff:{address}]"),
            format!("[::{address}]"),
            format!("[64:ff9b::{address}]"),
            format!("[2002:{:x}:{:x}::1]", bits >> 16, bits & 0xffff),
        ] {
            prop_assert!(is_denied(&format!("http://{host}/")), "{}", host);
        }
        prop_assert!(production().check_address(address.into()).is_err());
        prop_assert!(production().check_address(address.to_ipv6_mapped().into()).is_err());
    }

    #[test]
    fn an_ipv6_address_passes_only_from_global_unicast(bits: u128) {
        let address = Ipv6Addr::from_bits(bits);
        if production().check_address(address.into()).is_ok() {
            prop_assert!(bits >> 125 == 1 || address.to_ipv4_mapped().is_some());
        }
    }
}
