//! The resolver against a DNS server on loopback, honest and not. Knows no real domain.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use isbg_lookups::dns::{Data, DnsError, Kind, Resolver};
use isbg_testkit::dns::{Dns, Record};

/// Nothing here waits for it.
const LONG: Duration = Duration::from_secs(60);

fn zone() -> Dns {
    Dns::start(&[
        ("a.example", Record::A([192, 0, 2, 1].into())),
        ("a.example", Record::A([192, 0, 2, 2].into())),
        ("a.example", Record::Aaaa("2001:db8::1".parse().unwrap())),
        ("a.example", Record::Mx(10, "mail.example".into())),
        ("a.example", Record::Ns("ns.example".into())),
        ("1.2.0.192.in-addr.arpa", Record::Ptr("a.example".into())),
        ("long.example", Record::Txt("x".repeat(3_000))),
        ("fits.example", Record::Txt("y".repeat(1_000))),
        ("alias.example", Record::Cname("Other.example".into())),
        ("other.example", Record::Cname("a.example".into())),
        ("round.example", Record::Cname("round.example".into())),
        ("_a.b-c.example", Record::Txt("odd".into())),
    ])
    .unwrap()
}

fn asking(servers: &[SocketAddr]) -> Resolver {
    Resolver::with_servers(servers.to_vec(), LONG)
}

/// A port of this machine where nobody listens.
fn closed() -> SocketAddr {
    UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test]
async fn every_kind_of_record() {
    let dns = zone();
    let resolver = asking(&[dns.address()]);
    let name = |name: &str| Data::Name(name.into());
    let expected = [
        (
            "a.example",
            Kind::A,
            vec![Data::A([192, 0, 2, 1].into()), Data::A([192, 0, 2, 2].into())],
        ),
        (
            "A.Example.",
            Kind::Aaaa,
            vec![Data::Aaaa("2001:db8::1".parse().unwrap())],
        ),
        (
            "a.example",
            Kind::Mx,
            vec![Data::Mx {
                preference: 10,
                exchange: "mail.example".into(),
            }],
        ),
        ("a.example", Kind::Ns, vec![name("ns.example")]),
        ("1.2.0.192.in-addr.arpa", Kind::Ptr, vec![name("a.example")]),
        ("_a.b-c.example", Kind::Txt, vec![Data::Txt(b"odd".to_vec())]),
        (
            "alias.example",
            Kind::Aaaa,
            vec![Data::Aaaa("2001:db8::1".parse().unwrap())],
        ),
        ("a.example", Kind::Txt, vec![]),
        ("round.example", Kind::A, vec![]),
    ];
    for (asked, kind, records) in expected {
        let answer = resolver.lookup(asked, kind).await.unwrap();
        assert_eq!(
            (answer.exists, answer.records),
            (true, records),
            "{asked} {kind:?}"
        );
    }
    let answer = resolver.lookup("none.example", Kind::A).await.unwrap();
    assert_eq!((answer.exists, answer.records), (false, vec![]));
}

#[tokio::test]
async fn long_answers_come_over_tcp() {
    let dns = zone();
    let resolver = asking(&[dns.address()]);
    for (name, text) in [
        ("long.example", "x".repeat(3_000)),
        ("fits.example", "y".repeat(1_000)),
    ] {
        let answer = resolver.lookup(name, Kind::Txt).await.unwrap();
        assert_eq!(answer.records, [Data::Txt(text.into())]);
        assert!(answer.ttl > Duration::ZERO);
    }
    let asked = ["long.example TXT", "long.example TXT TCP", "fits.example TXT"];
    assert_eq!(dns.asked(), asked);
}

#[tokio::test]
async fn servers_without_edns_are_asked_in_the_old_way() {
    let dns = zone();
    dns.forget_edns();
    let answer = asking(&[dns.address()])
        .lookup("fits.example", Kind::Txt)
        .await
        .unwrap();
    assert_eq!(answer.records, [Data::Txt("y".repeat(1_000).into())]);
    let asked = ["fits.example TXT", "fits.example TXT", "fits.example TXT TCP"];
    assert_eq!(dns.asked(), asked);
}

#[tokio::test]
async fn what_answers_another_question_is_passed_over() {
    let dns = zone();
    dns.forge();
    let answer = asking(&[dns.address()])
        .lookup("a.example", Kind::Mx)
        .await
        .unwrap();
    assert!(answer.exists && answer.records.len() == 1);
}

#[tokio::test]
async fn the_next_server_is_asked() {
    let (bad, good) = (zone(), zone());
    bad.fail("a.example", 2);
    bad.fail("other.example", 5);
    let resolver = asking(&[closed(), bad.address(), good.address()]);
    for name in ["a.example", "other.example"] {
        let answer = resolver.lookup(name, Kind::A).await.unwrap();
        assert_eq!(answer.records.len(), 2, "{name}");
    }
    assert_eq!(good.asked(), ["a.example A", "other.example A"]);
    // Nobody else is asked about what does not exist.
    assert!(!resolver.lookup("none.example", Kind::A).await.unwrap().exists);
    assert_eq!(good.asked().len(), 2);
}

#[tokio::test]
async fn why_there_is_no_answer() {
    let dns = zone();
    dns.fail("a.example", 2);
    dns.silence("slow.example");
    let resolver = asking(&[dns.address()]);
    let failed = resolver.lookup("a.example", Kind::A).await.unwrap_err();
    assert!(matches!(&failed, DnsError::Failed { .. }), "{failed}");
    let closed = asking(&[closed()])
        .lookup("a.example", Kind::A)
        .await
        .unwrap_err();
    assert!(matches!(&closed, DnsError::Unreachable { .. }), "{closed}");
    let none = asking(&[]).lookup("a.example", Kind::A).await.unwrap_err();
    assert!(matches!(&none, DnsError::NoServers { .. }), "{none}");
    let short = Resolver::with_servers(vec![dns.address()], Duration::from_millis(1));
    let late = short.lookup("slow.example", Kind::A).await.unwrap_err();
    assert!(matches!(&late, DnsError::Timeout { .. }), "{late}");
    for name in ["a..example", &"a".repeat(64), &"a.".repeat(200), "ä.example"] {
        let wrong = resolver.lookup(name, Kind::A).await.unwrap_err();
        assert!(matches!(&wrong, DnsError::Name { .. }), "{name}: {wrong}");
    }
}
