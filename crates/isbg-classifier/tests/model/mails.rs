//! Mail made up for these tests, and a model taught with it. Tests nothing.

use isbg_classifier::{Lesson, Model};
use isbg_types::Class;

const HAM_WORDS: &[&str] = &[
    "meeting", "tomorrow", "report", "garden", "train", "minutes", "lecture", "kitchen", "review", "patch",
    "kernel", "holiday", "library", "concert", "dinner", "school", "draft", "budget", "window", "bicycle",
];
pub const SPAM_WORDS: &[&str] = &[
    "winner",
    "lottery",
    "prize",
    "pills",
    "cheap",
    "casino",
    "bonus",
    "claim",
    "urgent",
    "transfer",
    "million",
    "account",
    "suspended",
    "verify",
    "miracle",
    "weight",
    "crypto",
    "profit",
    "guarantee",
    "limited",
];

/// A message of the class; `number` decides its words.
pub fn mail(class: Class, number: u64) -> Vec<u8> {
    let words = if class == Class::Spam {
        SPAM_WORDS
    } else {
        HAM_WORDS
    };
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let host = if class == Class::Spam {
        "bulk.example"
    } else {
        "friends.example"
    };
    let mut text = format!(
        "Received: from mx{}.{host} ([192.0.2.{}]) by mail.home.example with ESMTP id {number:08x}; Mon, 2 Mar 2026 10:00:00 +0100\r\n\
         From: Sender {} <user{}@{host}>\r\nTo: me@home.example\r\nSubject: {} {}\r\nMessage-ID: <{number}.{}@{host}>\r\n\
         Date: Mon, 2 Mar 2026 10:00:00 +0100\r\n\r\n",
        draw(5),
        draw(250),
        draw(9),
        draw(30),
        words[draw(20)],
        words[draw(20)],
        draw(99_999),
    );
    for _ in 0..60 {
        text.push_str(words[draw(20)]);
        text.push(' ');
    }
    text.into_bytes()
}

pub fn taught(messages: u64) -> Model {
    let mut model = Model::new([7; 16]);
    for number in 0..messages {
        let class = if number % 3 == 0 { Class::Spam } else { Class::Ham };
        assert_eq!(model.learn(&mail(class, number), class), Lesson::Learned);
    }
    model
}
