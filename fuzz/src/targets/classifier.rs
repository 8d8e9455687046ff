//! The classifier: any bytes as a message, any bytes as a model file. Does not judge its judgement.

use std::sync::LazyLock;

use isbg_classifier::{Lesson, Model};
use isbg_types::Class;
use sha2::{Digest, Sha256};

/// Before a model file's content: magic, version, length; and the checksum after it.
const HEAD: usize = 16;
const CHECKSUM: usize = 32;

static TAUGHT: LazyLock<Model> = LazyLock::new(|| {
    let mut model = Model::new([7; 16]);
    for number in 0..20 {
        let class = if number % 2 == 0 { Class::Spam } else { Class::Ham };
        let message = format!("Subject: {class:?} {number}\n\nwords of {class:?}\n");
        model.learn(message.as_bytes(), class);
    }
    model
});

/// A message is learned once, corrected, and taken back; the score is a number.
pub fn classifier(message: &[u8]) {
    let mut model = TAUGHT.clone();
    let judgement = model.score(message);
    assert!(judgement.points().is_finite() && judgement.unbounded_points().is_finite());
    assert_eq!(model.features(message), model.features(message));
    assert_eq!(model.learn(message, Class::Spam), Lesson::Learned);
    assert_eq!(model.learn(message, Class::Spam), Lesson::AlreadyKnown);
    assert_eq!(model.learn(message, Class::Ham), Lesson::Corrected);
    assert!(model.score(message).points().is_finite());
    assert_eq!(model.unlearn(message), Some(Class::Ham));
    assert_eq!(model.unlearn(message), None);
}

/// A model file, also one whose checksum is right: what can be read is written as it was read, and works. The input is the
/// content of a file, or (if its first byte is odd) changes to that of a good one: three bytes of a place, one of a value.
pub fn file(input: &[u8]) {
    sound(input);
    let Some((kind, rest)) = input.split_first() else {
        return;
    };
    let mut bytes = TAUGHT.to_bytes();
    if kind % 2 == 0 {
        bytes.truncate(HEAD);
        bytes.extend_from_slice(rest);
        let length = (bytes.len() + CHECKSUM) as u32;
        bytes[HEAD - 4..]
            .iter_mut()
            .zip(length.to_le_bytes())
            .take(4)
            .for_each(|(byte, new)| *byte = new);
    } else {
        bytes.truncate(bytes.len() - CHECKSUM);
        let room = bytes.len() - HEAD;
        for change in rest.chunks_exact(4) {
            let place = usize::from(change[0]) << 16 | usize::from(change[1]) << 8 | usize::from(change[2]);
            bytes[HEAD + place % room] = change[3];
        }
    }
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    sound(&bytes);
}

fn sound(bytes: &[u8]) {
    let Ok(mut model) = Model::from_bytes(bytes) else {
        return;
    };
    let written = model.to_bytes();
    let again = Model::from_bytes(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes(), written);
    let message = b"Subject: x\n\nwords of Spam\n";
    assert!(!model.score(message).points().is_nan());
    model.learn(message, Class::Ham);
    model.unlearn(message);
    assert!(!model.score(message).points().is_nan());
}
