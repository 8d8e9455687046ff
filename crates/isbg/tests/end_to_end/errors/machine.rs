//! This machine in trouble: a full or read-only disk, a lock, garbage where old files should be.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::process::{Command, Stdio};

use isbg_store::import::name_hashes;
use isbg_testkit::conservation::{Conservation, secrets_in};

use crate::common::Ran;
use crate::lab::{Lab, PASSWORD, USER, conserved, fails, files, is_spam, mail, same, sober};

const MOVE: &str = "--noreport --delete --expunge";

/// Runs a shell script in which `small` is a mounted file system of its own and `run NAME OPTION...` runs the program;
/// what became of each such run, by the names in order.
fn on_a_small_disk(lab: &Lab, mount: &str, script: &str, names: &[&str]) -> Vec<Ran> {
    let program = env!("CARGO_BIN_EXE_isbg");
    let line = lab.line("--nostats");
    let script = format!(
        "mkdir -p small && mount -t tmpfs -o mode=700,{mount} tmpfs small || exit 99
run() {{ name=$1; shift; {program} {line} \"$@\" >$name.out 2>$name.err; echo $? >$name.status; }}
{script}"
    );
    let mut unshare = Command::new("unshare");
    unshare.arg("--mount");
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Whoever is not root becomes root in a user namespace of his own, which may mount but is nobody outside.
        unshare.arg("--map-root-user");
    }
    let output = unshare
        .args(["--", "sh", "-c", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", lab.home.path())
        .current_dir(lab.home.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let read = |name: String| fs::read_to_string(lab.home.path().join(name)).unwrap();
    let ran = |name: &&str| Ran {
        out: read(format!("{name}.out")),
        err: read(format!("{name}.err")),
        status: read(format!("{name}.status")).trim().parse().unwrap(),
    };
    names.iter().map(ran).inspect(sober).collect()
}

#[test]
fn a_full_disk() {
    for size in [4, 48, 96, 144, 192, 240, 288, 336] {
        let lab = Lab::new();
        for n in 0..30 {
            lab.put("INBOX", &format!("spam {n} {}", "x".repeat(200)), &[]);
            lab.put("INBOX", &format!("ham {n}"), &["\\Seen"]);
        }
        let before = lab.mailbox();
        let options = format!("--state-dir small --partialrun 0 {MOVE}");
        let script = format!(
            "run full {options}; mount -o remount,size=20m small; run free {options}; run again {options} --verbose"
        );
        let runs = on_a_small_disk(
            &lab,
            &format!("size={size}k"),
            &script,
            &["full", "free", "again"],
        );
        let [full, free, again] = runs.as_slice() else {
            unreachable!()
        };
        if full.status != 0 {
            fails(full, 255, &["disk"]);
        }
        assert_eq!((free.status, again.status), (0, 0), "{size} kB: {free}{again}");
        conserved(
            &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
            &lab.mailbox(),
        );
        assert_eq!(lab.subjects("Junk").len(), 30, "{size} kB");
        assert!(
            size > 300 || full.status != 0,
            "{size} kB were enough: this proves nothing"
        );
    }
}

#[test]
fn no_room_for_a_temporary_file() {
    let lab = Lab::new();
    let mut large = mail("spam that is large");
    large.resize(6_000_000, b'x');
    lab.put_mail("INBOX", &large, &[]);
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    let options = format!("--maxsize 9000000 {MOVE}");
    let script = format!(
        "TMPDIR=$PWD/small; export TMPDIR; run full {options}; mount -o remount,size=20m small; run free {options}"
    );
    let runs = on_a_small_disk(&lab, "size=400k", &script, &["full", "free"]);
    let [full, free] = runs.as_slice() else {
        unreachable!()
    };
    fails(full, 255, &["temporary file", "room on the disk"]);
    assert_eq!(free.status, 0, "{free}");
    conserved(
        &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
        &lab.mailbox(),
    );
    assert!(lab.subjects("INBOX").is_empty());
}

#[test]
fn a_state_that_cannot_be_written() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    let options = format!("--state-dir small {MOVE}");
    let script = format!(
        "mount -o remount,ro small; run new {options}; mount -o remount,rw small; run writes --state-dir small --dryrun
         run seen --state-dir small --partialrun 1; mount -o remount,ro small; run old {options}"
    );
    let runs = on_a_small_disk(&lab, "size=20m", &script, &["new", "writes", "seen", "old"]);
    fails(&runs[0], 255, &["small"]);
    assert_eq!((runs[1].status, runs[2].status), (0, 0), "{}{}", runs[1], runs[2]);
    fails(&runs[3], 255, &["small"]);
    let mut after = lab.mailbox();
    after.insert("Junk".to_owned(), Vec::new());
    same(&after, &before);
    lab.home.write("file", "not a folder");
    fails(&lab.run("--nostats --state-dir file"), 255, &["file"]);
}

#[test]
fn a_lock_of_the_earlier_isbg() {
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    let before = lab.mailbox();
    // It wrote its process id, and one lock for all accounts of a user.
    let alive = std::process::id().to_string();
    lab.home.write(".cache/isbg/lock", &alive);
    lab.home.write("lock", &alive);
    for options in ["", "--lockfilename lock"] {
        fails(&lab.run(&format!("--nostats {MOVE} {options}")), 30, &["lock"]);
    }
    same(&lab.mailbox(), &before);
    lab.fine("--dryrun --lockfilename lock");
    lab.fine("--lockfilename lock --lockfilegrace 0 --partialrun 0 --dryrun");
    lab.home.write("lock", "999999999");
    lab.home.write(".cache/isbg/lock", "999999999");
    lab.fine(&format!("{MOVE} --lockfilename lock"));
    assert_eq!(lab.subjects("Junk"), ["spam 1"]);
    assert_eq!(
        fs::read_to_string(lab.home.path().join(".cache/isbg/lock")).unwrap(),
        "999999999"
    );
}

#[test]
fn garbage_in_old_track_files() {
    let large = format!("{{\"uidvalidity\": 1, \"uids\": [{}1]}}", "1, ".repeat(6_000_000));
    for garbage in [
        "",
        "\u{0}\u{1}\u{7f}garbage\u{1b}[2J",
        "{\"uidvalidity\": \"many\", \"uids\": [",
        "{\"uidvalidity\": -1, \"uids\": [4294967296, -3, null, {}]}",
        "import os; os.system('touch executed')\npastuids = [1]",
        &large,
    ] {
        let lab = Lab::with_folders(&["Good"]);
        lab.put("INBOX", "spam 1", &[]);
        lab.put("Good", "ham 1", &[]);
        let [hash, _] = name_hashes("127.0.0.1", USER, lab.proxy.address().port());
        for suffix in ["inbox", "ham"] {
            lab.home
                .write(&format!(".cache/isbg/track{hash}{suffix}"), garbage);
        }
        lab.home.write(&format!(".isbg-track{hash}"), garbage);
        let ran = lab.fine(&format!("{MOVE} --learnhambox Good"));
        assert!(
            ran.err.contains("is not taken over") && !ran.err.contains('\u{1b}'),
            "{ran}"
        );
        assert!(
            ran.err.contains("1 spams found in 1 messages") && ran.err.contains("1/1 hams learned"),
            "{ran}"
        );
        assert!(!lab.home.path().join("executed").exists());
        lab.quiet(MOVE);
    }
}

#[test]
fn garbage_in_old_password_files() {
    let lab = Lab::new();
    let [hash, _] = name_hashes("127.0.0.1", USER, lab.proxy.address().port());
    let line = lab.line("--nostats").replace(" --passwdfilename pw", "");
    let hidden = "5a".repeat(256);
    for garbage in [
        "",
        "{\"password\": ",
        "{\"secret\": \"canary-9\"}",
        "\u{0}canary-9\u{1b}[2J",
        &hidden,
        "[]",
    ] {
        for place in [format!(".cache/isbg/.isbg-{hash}"), format!(".isbg-{hash}")] {
            let path = lab.home.write(&place, garbage);
            let ran = lab.call(&line);
            fails(&ran, 20, &["password"]);
            assert!(!ran.to_string().contains("canary-9"), "{ran}");
            fs::remove_file(path).unwrap();
        }
    }
    // A file that is named is taken at its word: it may be isbg's own, or hold the password as its only line.
    for garbage in [
        "",
        "{\"password\": ",
        "one line\nand another\n",
        "\u{0}canary-9\u{1b}[2J",
    ] {
        lab.home.write("named", garbage);
        let ran = lab.call(&lab.line("--nostats").replace(" pw ", " named "));
        assert!([10, 11, 20].contains(&ran.status), "{ran}");
        fails(&ran, ran.status, &["password"]);
        assert!(!ran.to_string().contains("canary-9"), "{ran}");
    }
    assert!(lab.mailbox()["INBOX"].is_empty());
}

#[test]
fn asked_to_end_while_the_scorer_hangs() {
    for options in [MOVE, "--learnspambox Teach --teachonly"] {
        let mut lab = Lab::with_folders(&["Teach"]);
        for n in 0..3 {
            lab.put("INBOX", &format!("spam {n}"), &[]);
            lab.put("Teach", &format!("spam {n}"), &[]);
        }
        let before = lab.mailbox();
        let gate = lab.gate();
        let child = lab.spawn(&format!("{options} --nostats"));
        lab.until_asked();
        isbg_testkit::terminate(&child).unwrap();
        let output = child.wait_with_output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let ran = Ran {
            out: String::new(),
            err,
            status: output.status.code().unwrap_or(-1),
        };
        sober(&ran);
        fails(&ran, 255, &["stopped on request"]);
        same(&lab.mailbox(), &before);
        assert_eq!(
            lab.state_count("SELECT count(*) FROM attempt"),
            0,
            "an end in good order blames no message"
        );
        gate.open();
        let ran = lab.fine(options);
        assert!(
            ran.err.contains("3 messages moved") || ran.err.contains("3/3 spams learned"),
            "{ran}"
        );
        conserved(
            &Conservation::of(&before).may_move("INBOX", "Junk", is_spam),
            &lab.mailbox(),
        );
    }
}

#[test]
fn a_password_is_where_it_was_put_and_nowhere_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let lab = Lab::new();
    lab.put("INBOX", "spam 1", &[]);
    lab.put("INBOX", "ham 1", &[]);
    let line = lab.line(&format!("{MOVE} --savepw --verbose --verbose-mails --json"));
    let ran = lab
        .home
        .line(&line.replace("--passwdfilename pw", &format!("--imappasswd {PASSWORD}")));
    assert_eq!(ran.status, 0, "{ran}");
    sober(&ran);
    fs::remove_file(lab.home.path().join("pw")).unwrap();
    let holders = files(lab.home.path())
        .into_iter()
        .filter(|(_, bytes)| !secrets_in(bytes, USER, PASSWORD).is_empty());
    let holders: Vec<String> = holders.map(|(path, _)| path).collect();
    assert_eq!(holders.len(), 1, "{holders:?}");
    assert_eq!(
        fs::metadata(&holders[0]).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let ran = lab.home.line(
        &line
            .replace("--passwdfilename pw --spamd", "--spamd")
            .replace("--savepw", ""),
    );
    assert_eq!(ran.status, 0, "{ran}");
    sober(&ran);
}
