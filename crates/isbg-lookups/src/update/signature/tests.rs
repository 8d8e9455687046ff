//! Signatures that GnuPG made, and the key that comes with this program. Asks nobody.

use isbg_testkit::openpgp::Signer;

use super::*;

const DATA: &[u8] = b"what is signed";

fn keys(signer: &Signer) -> Keys {
    Keys::read(&signer.public().unwrap()).unwrap()
}

fn now() -> SystemTime {
    SystemTime::now()
}

/// Ten years from now.
fn later() -> SystemTime {
    now() + Duration::from_secs(10 * 366 * 24 * 60 * 60)
}

#[test]
fn the_key_that_comes_along_is_whole_and_signs_with_its_subkey() {
    let keys = Keys::of_spamassassin().unwrap();
    let [key] = &keys.0[..] else { panic!("one key") };
    let fingerprint = "5E541DC959CB8BAC7C78DFDC4056A61A5244EC45";
    assert_eq!(keys.fingerprints(), [fingerprint.parse().unwrap()]);
    assert!(matches!(primary_state(key, now()), State::Good));
    let [part] = &key.public_subkeys[..] else {
        panic!("one subkey")
    };
    let subkey = "0C2B1D7175B852C64B3CDC716C55397824F434CE";
    assert_eq!(Fingerprint::of(&part.key), subkey.parse().unwrap());
    assert!(matches!(part_state(key, part, now()), State::Good));
    for (named, left) in [(fingerprint, 1), (subkey, 1), ("0".repeat(40).as_str(), 0)] {
        let mut keys = keys.clone();
        keys.keep_only(&[named.parse().unwrap()]);
        assert_eq!(keys.0.len(), left, "{named}");
    }
}

#[test]
fn good_signatures_of_primary_and_subkeys() {
    for signer in [Signer::new().unwrap(), Signer::with_subkey().unwrap()] {
        let mut keys = keys(&signer);
        keys.extend(Keys::of_spamassassin().unwrap());
        let again = Keys::read(&keys.to_bytes()).unwrap();
        let signature = signer.sign(DATA).unwrap();
        for keys in [&keys, &again] {
            let signed = keys.verify(DATA, &signature, now()).unwrap();
            assert_eq!(signed.by.to_string(), signer.fingerprint().unwrap());
            assert!(signed.at > 1_700_000_000);
            assert!(keys.verify(DATA, &signature, later()).is_ok());
            assert_eq!(keys.verify(b"other", &signature, now()), Err(SignatureError::Bad));
        }
        let past = UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let early = keys.verify(DATA, &signature, past).unwrap_err();
        assert!(
            matches!(early, SignatureError::NotForSigning(_) | SignatureError::NotNow),
            "{early}"
        );
        // Of several signatures one that counts is enough.
        let other = Signer::new().unwrap().sign(DATA).unwrap();
        let both = [&other[..], &signature].map(dearmored).concat();
        assert!(keys.verify(DATA, &both, now()).is_ok());
    }
}

/// The signature as binary.
fn dearmored(text: &[u8]) -> Vec<u8> {
    let (signature, _) = DetachedSignature::from_armor_single(text).unwrap();
    signature.to_bytes().unwrap()
}

#[test]
fn signatures_of_others_are_named() {
    let (one, other) = (Signer::new().unwrap(), Signer::new().unwrap());
    let error = keys(&one).verify(DATA, &other.sign(DATA).unwrap(), now());
    assert_eq!(
        error,
        Err(SignatureError::UnknownKey(other.fingerprint().unwrap()))
    );
    assert!(
        Keys::default()
            .verify(DATA, &one.sign(DATA).unwrap(), now())
            .is_err()
    );
}

#[test]
fn keys_that_must_not_be_used_any_more() {
    let expired = Signer::expired().unwrap();
    let signature = expired.sign(DATA).unwrap();
    let fingerprint: Fingerprint = expired.fingerprint().unwrap().parse().unwrap();
    let error = keys(&expired).verify(DATA, &signature, now());
    assert_eq!(error, Err(SignatureError::KeyExpired(fingerprint)));
    let in_time = UNIX_EPOCH + Duration::from_secs(1_590_000_000);
    assert!(keys(&expired).verify(DATA, &signature, in_time).is_ok());

    let revoked = Signer::new().unwrap();
    let signature = revoked.sign(DATA).unwrap();
    assert!(keys(&revoked).verify(DATA, &signature, now()).is_ok());
    revoked.revoke().unwrap();
    let fingerprint: Fingerprint = revoked.fingerprint().unwrap().parse().unwrap();
    let error = keys(&revoked).verify(DATA, &signature, now());
    assert_eq!(error, Err(SignatureError::KeyRevoked(fingerprint)));
}

#[test]
fn digests() {
    let signer = Signer::with_subkey().unwrap();
    let keys = keys(&signer);
    for digest in ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] {
        let signature = signer.sign_with(digest, DATA).unwrap();
        assert!(keys.verify(DATA, &signature, now()).is_ok(), "{digest}");
    }
    for digest in ["MD5", "RIPEMD160"] {
        let signature = signer.sign_with(digest, DATA).unwrap();
        assert_eq!(
            keys.verify(DATA, &signature, now()),
            Err(SignatureError::Weak),
            "{digest}"
        );
    }
}

#[test]
fn what_is_no_key_and_no_signature() {
    let signer = Signer::new().unwrap();
    let (public, signature) = (signer.public().unwrap(), signer.sign(DATA).unwrap());
    for bytes in [
        &b""[..],
        b"nonsense",
        b"\x99\x00",
        &public[..200],
        &signature,
        &vec![b'x'; MAX_FILE + 1],
    ] {
        assert!(Keys::read(bytes).is_err());
    }
    for bytes in [
        &b""[..],
        b"nonsense",
        b"\xc2\xff",
        &signature[..60],
        &public,
        &vec![0x99; MAX_FILE + 1],
    ] {
        let error = keys(&signer).verify(DATA, bytes, now()).unwrap_err();
        assert!(matches!(error, SignatureError::NotASignature(_)), "{error}");
    }
    let mut flipped = dearmored(&signature);
    for at in (0..8).chain(flipped.len() - 30..flipped.len()) {
        flipped[at] ^= 1;
        assert!(keys(&signer).verify(DATA, &flipped, now()).is_err(), "{at}");
        flipped[at] ^= 1;
    }
}

#[test]
fn fingerprints() {
    let digits = "5E541DC959CB8BAC7C78DFDC4056A61A5244EC45";
    for text in [
        digits,
        "5e54 1dc9 59cb 8bac 7c78  dfdc 4056 a61a 5244 ec45",
        &format!("0x{digits}"),
    ] {
        assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), digits);
    }
    for text in [
        "",
        "5244EC45",
        &digits[1..],
        &format!("{digits}0"),
        &digits.replace('5', "g"),
    ] {
        assert_eq!(text.parse::<Fingerprint>(), Err(NotAFingerprint), "{text}");
    }
}
