//! An update channel of SpamAssassin rules on loopback: a DNS zone, a mirror, and a key that signs. Does not check what it
//! publishes.

use std::io::Write as _;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::dns::{Dns, Record};
use crate::openpgp::Signer;
use crate::web::{Page, Web};

/// The unit of a tar.
const BLOCK: usize = 512;

/// The channel.
#[derive(Debug)]
pub struct Channel {
    name: String,
    engine: String,
    /// Its zone.
    pub dns: Dns,
    /// Its only mirror, as long as nothing else is put in the list.
    pub web: Web,
    /// Its key.
    pub signer: Signer,
}

impl Channel {
    /// A channel without a version, with a list of mirrors that names its own at `/mirror`. `engine`: the version of
    /// the engine that its versions will be for, such as `4.0.1`.
    ///
    /// # Errors
    /// When there is no free port, or gpg fails.
    pub fn start(name: &str, engine: &str, signer: Signer) -> Result<Self> {
        let web = Web::start()?;
        let dns = Dns::start(&[])?;
        dns.add(&format!("mirrors.{name}"), Record::Txt(web.url("/MIRRORED.BY")));
        let list = format!("# mirrors\n{}/ weight=5\n", web.url("/mirror"));
        web.put("/MIRRORED.BY", Page::File(list.into()));
        Ok(Self {
            name: name.to_owned(),
            engine: engine.to_owned(),
            dns,
            web,
            signer,
        })
    }

    /// Publishes a version with these files, well made in every respect.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn publish(&self, version: u64, files: &[(&str, &str)]) -> Result<()> {
        self.publish_archive(version, &archive(files)?)
    }

    /// Publishes any bytes as a version, with a good signature and a good checksum.
    ///
    /// # Errors
    /// When gpg fails.
    pub fn publish_archive(&self, version: u64, archive: &[u8]) -> Result<()> {
        self.put(version, "", archive.into());
        self.put(version, ".asc", self.signer.sign(archive)?);
        self.put(version, ".sha256", sha256sum(archive, version));
        self.announce(version);
        Ok(())
    }

    /// Puts one of a version's files on the mirror: the archive (no suffix), `.asc`, `.sha256`, `.sha512`.
    pub fn put(&self, version: u64, suffix: &str, bytes: Vec<u8>) {
        self.web.put(&file(version, suffix), Page::File(bytes));
    }

    /// Puts a page where one of a version's files would be.
    pub fn put_page(&self, version: u64, suffix: &str, page: Page) {
        self.web.put(&file(version, suffix), page);
    }

    /// Says that this version is the newest.
    pub fn announce(&self, version: u64) {
        let reversed: Vec<&str> = self.engine.split('.').rev().collect();
        let name = format!("{}.{}", reversed.join("."), self.name);
        self.dns.set(&name, vec![Record::Txt(version.to_string())]);
    }
}

/// The path of one of a version's files on the mirror.
pub fn file(version: u64, suffix: &str) -> String {
    format!("/mirror/{version}.tar.gz{suffix}")
}

/// A gzipped tar with these files.
///
/// # Errors
/// When the compressor fails.
pub fn archive(files: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut tar = GzEncoder::new(Vec::new(), Compression::default());
    for (name, content) in files {
        let size = format!("{:011o}\0", content.len());
        let mut header = [name.as_bytes(), &[0; 100][name.len().min(100)..]].concat();
        header.extend(b"0000644\0");
        header.extend([0; 16]);
        header.extend(size.as_bytes());
        header.extend([b'0'; 11]);
        header.extend(b"\0        0");
        header.extend([0; 100]);
        header.extend(b"ustar\x0000");
        header.resize(BLOCK, 0);
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
        tar.write_all(&header)?;
        tar.write_all(content.as_bytes())?;
        tar.write_all(&vec![0; content.len().next_multiple_of(BLOCK) - content.len()])?;
    }
    tar.write_all(&[0; 2 * BLOCK])?;
    Ok(tar.finish()?)
}

/// A file as sha256sum writes it.
fn sha256sum(bytes: &[u8], version: u64) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let digest: String = Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{digest}  {version}.tar.gz\n").into()
}
