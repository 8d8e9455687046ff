//! The rules that isbg brings itself: the files under `builtin/`, as they are. Does not read them.

/// Each file's name and text, in the order in which they are read. They come before all rules from elsewhere, so that
/// these can change their scores.
pub const FILES: &[(&str, &str)] = &[
    ("10_sender.cf", include_str!("../builtin/10_sender.cf")),
    ("20_links.cf", include_str!("../builtin/20_links.cf")),
    ("30_form.cf", include_str!("../builtin/30_form.cf")),
    ("40_themes.cf", include_str!("../builtin/40_themes.cf")),
    ("60_together.cf", include_str!("../builtin/60_together.cf")),
    ("90_scores.cf", include_str!("../builtin/90_scores.cf")),
];

/// The list of top-level domains, read last, and only where no other file has brought one: rules from elsewhere then see
/// the same URIs with the built-in rules as without them.
pub const TOP_LEVEL: (&str, &str) = ("99_top_level.cf", include_str!("../builtin/99_top_level.cf"));
