//! Free loopback ports that no other test gets at the same time. Does not know who listens on them.

use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context as _, Result, bail};

/// Where nobody listens. A port that was free a moment ago may be another test's by now.
pub const NOBODY_LISTENS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Below the ranges from which systems draw ports for outgoing connections.
const RANGE: std::ops::Range<u16> = 10_240..32_000;

/// A loopback port that is ours for as long as this value lives, across all test processes of this machine.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Reserves a free port.
    ///
    /// # Errors
    /// When the folder of lock files cannot be made, or every port is taken.
    pub fn reserve() -> Result<Self> {
        let folder = std::env::temp_dir().join("isbg-testkit-ports");
        create_shared(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let span = RANGE.end - RANGE.start;
        let start = (std::process::id() as u16).wrapping_mul(191) % span;
        for step in 0..span {
            let number = RANGE.start + (start + step) % span;
            let Ok(lock) = File::create(folder.join(number.to_string())) else {
                continue;
            };
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        bail!("no free port between {} and {}", RANGE.start, RANGE.end)
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// The port on 127.0.0.1.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.number).into()
    }
}

#[cfg(unix)]
fn create_shared(folder: &std::path::Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    if !folder.is_dir() {
        std::fs::create_dir_all(folder)?;
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o777))?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn create_shared(folder: &std::path::Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_differ_while_both_are_held() {
        let ports: Vec<Port> = (0..20).map(|_| Port::reserve().unwrap()).collect();
        let numbers: std::collections::BTreeSet<u16> = ports.iter().map(Port::number).collect();
        assert_eq!(numbers.len(), 20);
    }
}
