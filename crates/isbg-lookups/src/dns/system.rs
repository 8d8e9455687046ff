//! Which DNS servers this machine is set up with. Does not ask them.

use std::net::SocketAddr;

use super::DnsError;

/// The servers of `/etc/resolv.conf`; where it names none, the one on this machine, as the C library does it.
#[cfg(unix)]
pub(super) fn servers() -> Result<Vec<SocketAddr>, DnsError> {
    use std::fs::File;
    use std::io::{ErrorKind, Read as _};
    use std::net::Ipv4Addr;

    const FILE: &str = "/etc/resolv.conf";
    const MAX_FILE: u64 = 64 * 1024;

    let mut text = Vec::new();
    let read = File::open(FILE).and_then(|file| file.take(MAX_FILE).read_to_end(&mut text));
    match read {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(DnsError::NoServers {
            why: format!("{FILE}: {error}"),
        }),
        _ => {
            let mut servers = named(&String::from_utf8_lossy(&text));
            if servers.is_empty() {
                servers.push((Ipv4Addr::LOCALHOST, super::PORT).into());
            }
            Ok(servers)
        }
    }
}

#[cfg(not(unix))]
pub(super) fn servers() -> Result<Vec<SocketAddr>, DnsError> {
    Err(DnsError::NoServers {
        why: "there is no /etc/resolv.conf".into(),
    })
}

/// The `nameserver` lines of a resolv.conf(5), of which the first three count.
#[cfg(unix)]
fn named(text: &str) -> Vec<SocketAddr> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next())?
        })
        .filter_map(address)
        .take(3)
        .collect()
}

/// An address, for IPv6 with its zone where that is a number.
#[cfg(unix)]
fn address(text: &str) -> Option<SocketAddr> {
    use std::net::{IpAddr, SocketAddrV6};

    if let Ok(ip) = text.parse::<IpAddr>() {
        return Some((ip, super::PORT).into());
    }
    let (ip, zone) = text.split_once('%')?;
    let zone = zone.parse().ok()?;
    Some(SocketAddrV6::new(ip.parse().ok()?, super::PORT, 0, zone).into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn servers_of_resolv_conf() {
        let text = "# comment\nsearch example.org\nnameserver 192.0.2.1\nnameserver\tfe80::1%2\n;nameserver 192.0.2.9\n\
                    nameserver nonsense\nnameserver ::1 \nnameserver 192.0.2.4\n";
        let want = ["192.0.2.1:53", "[fe80::1%2]:53", "[::1]:53"];
        assert_eq!(named(text), want.map(|address| address.parse().unwrap()));
        assert_eq!(named(""), []);
    }
}
