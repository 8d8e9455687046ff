//! The classifier: any bytes as a message, any bytes as a model file. Does not judge its judgement.

use std::sync::LazyLock;

use isbg_classifier::{Lesson, Model};
use isbg_types::Class;

/// A message is learned once, corrected, and taken back; the score is a number.
pub fn classifier(message: &[u8]) {
    static TAUGHT: LazyLock<Model> = LazyLock::new(|| {
        let mut model = Model::new([7; 16]);
        for number in 0..20 {
            let class = if number % 2 == 0 { Class::Spam } else { Class::Ham };
            model.learn(
                format!("Subject: {class:?} {number}\n\nwords of {class:?}\n").as_bytes(),
                class,
            );
        }
        model
    });
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

/// A model file: what can be read is written as it was read, and works.
pub fn file(bytes: &[u8]) {
    let Ok(model) = Model::from_bytes(bytes) else {
        return;
    };
    assert_eq!(Model::from_bytes(&model.to_bytes()).as_ref(), Ok(&model));
    assert!(!model.score(b"Subject: x\n\ny\n").points().is_nan());
}
