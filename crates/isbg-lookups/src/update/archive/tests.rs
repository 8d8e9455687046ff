//! Archives, honest and hostile. Unpacks nothing to disk.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

use super::*;

/// A header block. Sizes and kinds are whatever the test wants them to be.
fn header(name: &str, kind: u8, size: u64, prefix: &str) -> Vec<u8> {
    let mut block = vec![0; BLOCK];
    block[..name.len()].copy_from_slice(name.as_bytes());
    block[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    block[148..156].fill(b' ');
    block[156] = kind;
    block[257..263].copy_from_slice(b"ustar\0");
    block[345..345 + prefix.len()].copy_from_slice(prefix.as_bytes());
    let sum: u64 = block.iter().copied().map(u64::from).sum();
    block[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    block
}

fn entry(name: &str, kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = header(name, kind, content.len() as u64, "");
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes
}

fn file(name: &str, content: &[u8]) -> Vec<u8> {
    entry(name, b'0', content)
}

fn zipped(tar: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(tar).unwrap();
    encoder.finish().unwrap()
}

fn archive(entries: &[Vec<u8>]) -> Vec<u8> {
    zipped(&[&entries.concat()[..], &[0; 2 * BLOCK]].concat())
}

fn refused(entries: &[Vec<u8>]) -> String {
    rule_files(&archive(entries)).unwrap_err().to_string()
}

const RULES: &[u8] = b"body A /a/\nscore A 1\n";

#[test]
fn rule_files_are_taken_and_others_left() {
    let long = vec![b'#'; 3 * BLOCK];
    let files = rule_files(&archive(&[
        entry("./", b'5', b""),
        entry("pax_global_header", b'g', b"52 comment=0123456789\n"),
        file("./20_a.cf", RULES),
        entry("PaxHeaders/languages", b'x', b"30 mtime=1\n"),
        file("languages", &long),
        file("v+1,2.pre", b"# plugins\n"),
        entry("30_b.cf", 0, &long),
    ]))
    .unwrap();
    let names: Vec<(&str, usize)> = files
        .iter()
        .map(|file| (file.name.as_str(), file.text.len()))
        .collect();
    assert_eq!(
        names,
        [
            ("20_a.cf", RULES.len()),
            ("v+1,2.pre", 10),
            ("30_b.cf", 3 * BLOCK)
        ]
    );
    assert_eq!(files[0].text, RULES);
}

#[test]
fn lines_that_are_not_for_channels_lose_their_force() {
    let text =
        b"loadplugin X x.pm\n \tTryPlugin Y\nbody A /loadplugin/\nloadplugins no word\ndns_server 192.0.2.1";
    assert_eq!(
        String::from_utf8(in_force(text)).unwrap(),
        "# not for channels: loadplugin X x.pm\n# not for channels:  \tTryPlugin Y\nbody A /loadplugin/\n\
         loadplugins no word\n# not for channels: dns_server 192.0.2.1"
    );
}

#[test]
fn what_would_leave_the_folder_is_refused() {
    for name in [
        "../a.cf",
        "/etc/a.cf",
        "sub/a.cf",
        ".././a.cf",
        "..",
        ".a.cf",
        "-a.cf",
        "a\\b.cf",
        "C:a.cf",
        "a\nb.cf",
        "a b.cf",
        "é.cf",
        "",
    ] {
        assert!(
            refused(&[file(name, RULES)]).contains("a path or an odd name"),
            "{name:?}"
        );
    }
    let mut deep = header("a.cf", b'0', 0, "sub");
    assert!(refused(&[std::mem::take(&mut deep)]).contains("odd name: sub/a.cf"));
    assert!(refused(&[file("a.cf", RULES), entry("sub", b'5', b"")]).contains("a folder: sub"));
}

#[test]
fn links_devices_and_doubles_are_refused() {
    for kind in [b'1', b'2'] {
        assert!(refused(&[entry("a.cf", kind, b"")]).contains("a link"));
    }
    for kind in [b'3', b'4', b'6', b'7', b'L', b'K', b'S', b'M', 200] {
        assert!(refused(&[entry("a.cf", kind, b"")]).contains("no plain file"));
    }
    assert!(refused(&[file("a.cf", RULES), file("A.cf", RULES)]).contains("a file twice: A.cf"));
}

#[test]
fn too_much_is_refused_before_it_is_unpacked() {
    assert!(refused(&[header("a.cf", b'0', MAX_FILE + 1, "")]).contains("more than 16 MiB"));
    let many: Vec<_> = (0..=MAX_ENTRIES).map(|n| file(&format!("{n}.cf"), b"")).collect();
    assert!(refused(&many).contains("4096 entries"));
    let most = rule_files(&archive(&many[..MAX_ENTRIES])).unwrap();
    assert_eq!(most.len(), MAX_ENTRIES);
    // Compressed a thousandfold: 160 MiB in files that are small enough, one by one.
    let size = MAX_FILE as usize;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    for n in 0..10 {
        encoder
            .write_all(&header(&format!("{n}.txt"), b'0', MAX_FILE, ""))
            .unwrap();
        encoder.write_all(&vec![0; size]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < MAX_ARCHIVE);
    assert!(
        rule_files(&bomb)
            .unwrap_err()
            .to_string()
            .contains("more than 128 MiB")
    );
    let large = vec![0; MAX_ARCHIVE + 1];
    assert!(matches!(rule_files(&large), Err(ArchiveError::TooMuch(_))));
}

#[test]
fn damage_is_told() {
    let whole = archive(&[file("a.cf", RULES)]);
    for cut in [0, 5, whole.len() / 2, whole.len() - 20] {
        let error = rule_files(&whole[..cut]).unwrap_err();
        assert!(matches!(error, ArchiveError::Damaged(_)), "{cut}: {error}");
    }
    let mut wrong = file("a.cf", RULES);
    wrong[0] = b'b';
    assert!(refused(&[wrong]).contains("checksum"));
    let mut endless = header("a.cf", b'0', 0, "");
    endless[124..136].copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    endless[148..156].fill(b' ');
    let sum: u64 = endless.iter().copied().map(u64::from).sum();
    endless[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    assert!(refused(&[endless]).contains("no number"));
    assert!(refused(&[header("a.cf", b'0', 9_999, "")]).contains("too early"));
    assert!(rule_files(b"no gzip at all").is_err());
    for entries in [vec![], vec![file("a.txt", b"")], vec![file("a.pre", b"")]] {
        assert!(refused(&entries).contains("no rule file"));
    }
}

proptest! {
    /// Whatever arrives, there is an answer, and every name stays in its folder.
    #[test]
    fn anything(blocks in proptest::collection::vec(any::<u8>(), 0..2_000), name in "[ -~]{0,90}", kind: u8) {
        let tar = [header(&name, kind, blocks.len() as u64, ""), blocks].concat();
        for archive in [zipped(&tar), tar] {
            for file in rule_files(&archive).into_iter().flatten() {
                prop_assert!(!file.name.contains(['/', '\\', ':']) && !file.name.starts_with('.'));
            }
        }
    }
}
