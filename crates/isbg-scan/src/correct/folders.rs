//! Which folders a message may have been moved to by somebody who wants to keep it. Pure; does not ask the server.

use isbg_imap::{Folder, SpecialUse};
use isbg_types::FolderName;

use super::Corrections;

/// What clients call the trash, in small letters.
const TRASH: [&str; 16] = [
    "trash",
    "deleted items",
    "deleted messages",
    "deleted",
    "bin",
    "papierkorb",
    "gelöschte elemente",
    "gelöscht",
    "corbeille",
    "éléments supprimés",
    "papelera",
    "elementos eliminados",
    "cestino",
    "lixeira",
    "prullenbak",
    "kosz",
];

/// The folders where a message that was moved there counts as ham. Where the server does not say which folder is the
/// trash, only the one that is scanned: anything else might be the trash.
pub(super) fn of_ham<'a>(all: &'a [Folder], job: &Corrections) -> Vec<&'a Folder> {
    let trash_is_known = all
        .iter()
        .any(|folder| folder.special_use == Some(SpecialUse::Trash));
    let shut: Vec<&Folder> = all.iter().filter(|folder| is_shut(folder, job)).collect();
    let within_shut = |folder: &Folder| shut.iter().any(|outer| is_within(&folder.name, outer));
    all.iter()
        .filter(|folder| folder.selectable && (trash_is_known || folder.name == job.inbox))
        .filter(|folder| folder.name == job.inbox || !within_shut(folder))
        .collect()
}

fn is_shut(folder: &Folder, job: &Corrections) -> bool {
    let name = folder.name.as_str();
    let last = folder
        .separator
        .and_then(|separator| name.rsplit(separator).next());
    let last = last.unwrap_or(name).to_lowercase();
    let special = matches!(
        folder.special_use,
        Some(
            SpecialUse::Trash
                | SpecialUse::Junk
                | SpecialUse::Drafts
                | SpecialUse::Sent
                | SpecialUse::All
                | SpecialUse::Flagged
                | SpecialUse::Important
        )
    );
    special
        || TRASH.contains(&last.as_str())
        || job.watched().contains(&&folder.name)
        || job.learned_from.contains(&folder.name)
}

/// Whether it is this folder or one below it. INBOX has everything below it on some servers.
fn is_within(name: &FolderName, outer: &Folder) -> bool {
    let below = |separator: char| {
        !outer.name.is_inbox()
            && name
                .as_str()
                .strip_prefix(outer.name.as_str())
                .is_some_and(|rest| rest.starts_with(separator))
    };
    *name == outer.name || outer.separator.is_some_and(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str, special_use: Option<SpecialUse>) -> Folder {
        Folder {
            name: FolderName::new(name),
            separator: Some('/'),
            attributes: Vec::new(),
            special_use,
            selectable: true,
            counts: None,
        }
    }

    #[test]
    fn where_ham_may_be() {
        let job = Corrections {
            inbox: FolderName::new("INBOX"),
            spam: vec![FolderName::new("Spam")],
            unsure: Some(FolderName::new("Maybe")),
            learned_from: vec![FolderName::new("Teach")],
            grace: 0,
        };
        let mut all = vec![folder("INBOX", None)];
        for (name, special) in [
            ("Archive", None),
            ("Archive/2026", None),
            ("Spam", None),
            ("Spam/old", None),
            ("Spammers' letters", None),
            ("Maybe", None),
            ("Teach", None),
            ("Junk", Some(SpecialUse::Junk)),
            ("Old/Deleted Items", None),
            ("Rubbish/2026", None),
            ("Everything", Some(SpecialUse::All)),
        ] {
            all.push(folder(name, special));
        }
        let names = |all: &[Folder]| -> Vec<String> {
            let names = of_ham(all, &job).into_iter();
            names.map(|folder| folder.name.as_str().to_owned()).collect()
        };
        assert_eq!(names(&all), ["INBOX"]);
        all.push(folder("Rubbish", Some(SpecialUse::Trash)));
        assert_eq!(
            names(&all),
            ["INBOX", "Archive", "Archive/2026", "Spammers' letters"]
        );
    }
}
