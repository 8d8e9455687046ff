//! Updates that are not to be had or not to be trusted, and ones that are cut off: the rules in force stay so.

use std::fs;
use std::process::{Command, Stdio};

use isbg_testkit::channel::{Channel, archive, file};
use isbg_testkit::openpgp::Signer;
use isbg_testkit::web::Page;
use serde_json::{Value, json};

use super::{BASE, ENGINE, Scene, rules};

#[test]
fn what_is_not_proved_is_refused() {
    let scene = Scene::installed();
    let (channel, bytes) = (&scene.channel, archive(&[("a.cf", &rules(6))]).unwrap());
    let put = |signature: Vec<u8>| {
        channel.publish_archive(6, &bytes).unwrap();
        channel.put(6, ".asc", signature);
    };
    put(channel.signer.sign(b"something else").unwrap());
    assert!(scene.refused().contains("its signature does not fit"));
    let stranger = Signer::new().unwrap();
    put(stranger.sign(&bytes).unwrap());
    let said = scene.refused();
    assert!(
        said.contains("a key that is not trusted") && said.contains("--channel-key"),
        "{said}"
    );
    put(channel.signer.sign(&bytes).unwrap());
    channel.put(6, ".sha256", b"00".to_vec());
    assert!(scene.refused().contains("checksum is wrong"));
    channel.put_page(6, "", Page::Cut(bytes.clone(), bytes.len() / 2));
    assert!(scene.refused().contains("broken or cut off"));
    for suffix in ["", ".asc", ".sha256"] {
        channel.publish(6, &[("a.cf", &rules(6))]).unwrap();
        channel.put_page(6, suffix, Page::Status(404));
        assert!(scene.refused().contains("404"));
    }
    // An archive of old, with the signature it has had all along, under a new name.
    let old = channel.signer.sign(&bytes).unwrap();
    let current = scene
        .home
        .path()
        .join(".local/share/isbg/rules")
        .join(BASE)
        .join("current");
    let state = fs::read_to_string(&current).unwrap();
    let mut later: Value = serde_json::from_str(&state).unwrap();
    later["signed"] = json!(later["signed"].as_u64().unwrap() + 3_600);
    fs::write(&current, later.to_string()).unwrap();
    put(old);
    assert!(scene.refused().contains("signed before the one in force"));
    fs::write(&current, state).unwrap();
    assert_eq!(scene.update("").status, 0);
    assert!(scene.has_in_force(6));
}

#[test]
fn keys_that_are_no_good_any_more() {
    let scene = Scene {
        channel: Channel::start(BASE, ENGINE, Signer::expired().unwrap()).unwrap(),
        ..Scene::new(BASE)
    };
    let key = String::from_utf8(scene.channel.signer.public().unwrap()).unwrap();
    scene.home.write("key.asc", &key);
    scene.publish(5);
    let ran = scene.update(&format!("--channel {BASE} --channel-key key.asc"));
    assert!(ran.status == 4 && ran.err.contains("has expired"), "{ran}");
    // Without a key of the user's, SpamAssassin's own counts here, which has not signed this.
    let ran = scene.update("");
    assert!(ran.status == 4 && ran.err.contains("not trusted"), "{ran}");
}

#[test]
fn hostile_archives_and_broken_rules_are_refused() {
    let scene = Scene::installed();
    let good = rules(6);
    for (files, said) in [
        (
            vec![("a.cf", &good[..]), ("../../b.cf", "body X /x/")],
            "a path or an odd name",
        ),
        (vec![("a.cf", &good), ("A.cf", "")], "a file twice"),
        (vec![("readme.txt", "nothing")], "no rule file"),
        (vec![("a.cf", "# no rule\nscore VERSION_5 0\n")], "no rule in it"),
        (
            vec![("a.cf", &good), ("b.cf", &"body X /(/\n".repeat(20))],
            "cannot be used here",
        ),
        (
            vec![("a.cf", &good), ("b.cf", &"nonsense\n".repeat(20))],
            "cannot be used here",
        ),
    ] {
        scene.channel.publish(6, &files).unwrap();
        let err = scene.refused();
        assert!(err.contains(said), "{said}: {err}");
    }
    let outside = scene.home.path().join(".local/share/isbg");
    assert!(!outside.join("b.cf").exists() && !outside.join("rules/b.cf").exists());
    scene.channel.publish_archive(6, b"\x1f\x8b no archive").unwrap();
    assert!(scene.refused().contains("damaged"));
}

#[test]
fn nobody_answers() {
    let scene = Scene::installed();
    scene.channel.dns.fail(&format!("1.0.4.{BASE}"), 2);
    let ran = scene.update("");
    assert_eq!(ran.status, 4, "{ran}");
    scene.publish(6);
    // Mirrors that are gone; the list that was kept is asked for again, and is gone, too.
    let list = "http://127.0.0.1:1/mirror\n";
    let folder = scene.home.path().join(".local/share/isbg/rules").join(BASE);
    fs::write(folder.join("MIRRORED.BY"), list).unwrap();
    scene.channel.web.put("/MIRRORED.BY", Page::Status(500));
    assert!(scene.refused().contains("cannot be reached"));
    let list = format!(
        "http://127.0.0.1:1/mirror\n{}\n",
        scene.channel.web.url("/mirror")
    );
    scene.channel.web.put("/MIRRORED.BY", Page::File(list.into()));
    assert_eq!(scene.update("").status, 0);
    assert!(scene.has_in_force(6));
}

#[test]
fn killed_at_any_step() {
    let scene = Scene::installed();
    let store = scene.home.path().join(".local/share/isbg/rules").join(BASE);
    for step in [file(6, ".asc"), file(6, ".sha512"), file(6, "")] {
        scene.publish(6);
        scene.channel.web.put(&step, Page::Silence);
        let program = assert_cmd::cargo::cargo_bin("isbg");
        let mut child = Command::new(program)
            .args(scene.arguments("").split_whitespace())
            .env("HOME", scene.home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        scene.channel.web.wait_until_asked(&step);
        // SIGKILL
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(scene.has_in_force(5), "{step}");
        scene.channel.web.put(&step, Page::Status(404));
    }
    // As far as an update can come without being done.
    fs::create_dir(store.join("6")).unwrap();
    fs::write(store.join("6/a.cf"), rules(6)).unwrap();
    fs::create_dir(store.join(".new-6")).unwrap();
    assert!(scene.has_in_force(5));
    scene.publish(6);
    let ran = scene.update("");
    assert_eq!(ran.status, 0, "{ran}");
    assert!(scene.has_in_force(6));
}

#[test]
fn nothing_can_be_written() {
    let scene = Scene::installed();
    let long = format!("{}# {}\n", rules(6), "x".repeat(100_000));
    scene.channel.publish(6, &[("a.cf", &long)]).unwrap();
    // No file may have more than 16 KiB; the signal that says so is not taken.
    let line = format!(
        "trap '' XFSZ; ulimit -f 16; exec {} {}",
        assert_cmd::cargo::cargo_bin("isbg").display(),
        scene.arguments("")
    );
    let output = Command::new("bash")
        .args(["-c", &line])
        .env("HOME", scene.home.path())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{err}");
    assert!(err.contains("the rules that were in force stay so"), "{err}");
    assert!(scene.has_in_force(5));
    assert_eq!(scene.update("").status, 0);
    assert!(scene.has_in_force(6));
}
