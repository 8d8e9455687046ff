//! From an account's wishes and the folders found on its server to what is done with each tier and with learned mail.
//! Pure: does not ask the server, and carries nothing out.

use isbg_scan::{BlastLimit, Bounds, Form, Original, Policy, Treatment};
use isbg_types::{Class, Flag, FolderName};

use crate::settled::{Account, Classic, Configured, Learning, Manner, Mode};

/// The folders a run works with, as the server names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// For spam.
    pub spam: FolderName,
    /// For unsure mail, where it is to be put apart.
    pub unsure: Option<FolderName>,
    /// For certain spam, where it is not the one for spam.
    pub certain: Option<FolderName>,
    /// The trash, where the account deletes by moving there.
    pub trash: Option<FolderName>,
    /// For learned spam.
    pub learned_spam: Option<FolderName>,
    /// For learned ham.
    pub learned_ham: Option<FolderName>,
}

/// What is done with each tier.
pub fn policy(account: &Account, places: &Places) -> Policy {
    let (unsure, spam, certain) = match &account.manner {
        Manner::Classic(wish) => classic(*wish, places),
        Manner::Configured(wish) => configured(wish, places),
    };
    let (spare, first_run_reports) = match &account.manner {
        Manner::Classic(_) => (Vec::new(), false),
        Manner::Configured(wish) => (vec![Flag::new(Flag::FLAGGED)], wish.first_run_reports),
    };
    Policy {
        thresholds: account.thresholds,
        ham: Treatment::leave(),
        unsure,
        spam,
        certain,
        spare,
        blast_limit: account
            .bounds
            .blast_limit
            .map_or(BlastLimit::Off, BlastLimit::Messages),
        first_run_reports,
    }
}

/// How much a scan looks at.
pub fn bounds(account: &Account) -> Bounds {
    Bounds {
        max_size: account.bounds.max_size,
        at_most: account.bounds.at_most,
        jobs: account.scorer.jobs.get(),
    }
}

/// Unsure, spam, certain, as isbg has always treated them: copies, and originals touched only where a flag says so.
fn classic(wish: Classic, places: &Places) -> (Treatment, Treatment, Treatment) {
    let deleted = || match (&places.trash, wish.expunge) {
        (Some(trash), _) => Original::ToTrash(trash.clone()),
        (None, true) => Original::Remove,
        (None, false) => Original::MarkDeleted,
    };
    let copied = |folder: &FolderName, form: Form| Treatment {
        copy: Some((folder.clone(), form)),
        flags: if wish.flag {
            vec![Flag::new(Flag::FLAGGED)]
        } else {
            Vec::new()
        },
        original: match form {
            _ if !wish.delete => Original::Keep,
            // Where labels are folders, a copy is the message itself: putting that into the trash would take it out of
            // the spam folder again.
            Form::AsIs if places.trash.is_some() => Original::Remove,
            _ => deleted(),
        },
    };
    let form = if wish.no_report {
        Form::AsIs
    } else {
        Form::WithReport
    };
    (
        places
            .unsure
            .as_ref()
            .map_or_else(Treatment::leave, |folder| copied(folder, Form::AsIs)),
        copied(&places.spam, form),
        Treatment {
            copy: None,
            flags: Vec::new(),
            original: deleted(),
        },
    )
}

/// Unsure, spam, certain, for an account of the config file. Observing means doing nothing with what moving would do;
/// the run as a whole is told so.
fn configured(wish: &Configured, places: &Places) -> (Treatment, Treatment, Treatment) {
    if wish.mode == Mode::Flag {
        let flagged = Treatment {
            copy: None,
            flags: vec![Flag::new(Flag::FLAGGED)],
            original: Original::Keep,
        };
        return (Treatment::leave(), flagged.clone(), flagged);
    }
    let certain = match &places.trash {
        _ if !wish.delete_certain => {
            Treatment::move_to(places.certain.as_ref().unwrap_or(&places.spam).clone())
        }
        Some(trash) => Treatment {
            copy: None,
            flags: Vec::new(),
            original: Original::ToTrash(trash.clone()),
        },
        None => Treatment {
            copy: None,
            flags: Vec::new(),
            original: Original::Remove,
        },
    };
    (
        places
            .unsure
            .clone()
            .map_or_else(Treatment::leave, Treatment::move_to),
        Treatment::move_to(places.spam.clone()),
        certain,
    )
}

/// What is done with a learned message of this class. Ham never goes to the trash.
pub fn learned(learning: &Learning, class: Class, places: &Places) -> Treatment {
    let target = match class {
        Class::Spam => &places.learned_spam,
        Class::Ham => &places.learned_ham,
    };
    if let Some(folder) = target {
        return Treatment::move_to(folder.clone());
    }
    let original = match (&places.trash, class) {
        _ if !learning.destroy => Original::Keep,
        (Some(trash), Class::Spam) => Original::ToTrash(trash.clone()),
        (Some(_), Class::Ham) => Original::Keep,
        (None, _) => Original::MarkDeleted,
    };
    let flags = if learning.flag {
        vec![Flag::new(Flag::FLAGGED)]
    } else {
        Vec::new()
    };
    Treatment {
        copy: None,
        flags,
        original,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> FolderName {
        FolderName::new(name)
    }

    fn places(trash: Option<&str>) -> Places {
        Places {
            spam: folder("Spam"),
            unsure: Some(folder("Maybe")),
            certain: None,
            trash: trash.map(folder),
            learned_spam: None,
            learned_ham: None,
        }
    }

    #[test]
    fn classic_flags() {
        let none = Classic::default();
        let delete = Classic { delete: true, ..none };
        for (wish, trash, form, original) in [
            (none, None, Form::WithReport, Original::Keep),
            (
                Classic {
                    no_report: true,
                    ..none
                },
                None,
                Form::AsIs,
                Original::Keep,
            ),
            (
                Classic {
                    expunge: true,
                    ..none
                },
                None,
                Form::WithReport,
                Original::Keep,
            ),
            (delete, None, Form::WithReport, Original::MarkDeleted),
            (
                Classic {
                    expunge: true,
                    ..delete
                },
                None,
                Form::WithReport,
                Original::Remove,
            ),
            (
                Classic {
                    expunge: true,
                    no_report: true,
                    ..delete
                },
                None,
                Form::AsIs,
                Original::Remove,
            ),
            (
                delete,
                Some("Bin"),
                Form::WithReport,
                Original::ToTrash(folder("Bin")),
            ),
            (
                Classic {
                    no_report: true,
                    ..delete
                },
                Some("Bin"),
                Form::AsIs,
                Original::Remove,
            ),
        ] {
            let (_, spam, _) = classic(wish, &places(trash));
            assert_eq!(
                (spam.copy, spam.original),
                (Some((folder("Spam"), form)), original),
                "{wish:?}"
            );
        }
    }

    #[test]
    fn flag_and_delete_go_together() {
        let wish = Classic {
            flag: true,
            delete: true,
            ..Classic::default()
        };
        let (unsure, spam, _) = classic(wish, &places(None));
        for treatment in [unsure, spam] {
            assert_eq!(treatment.flags, [Flag::new(Flag::FLAGGED)]);
            assert_eq!(treatment.original, Original::MarkDeleted);
        }
    }

    #[test]
    fn certain_spam_is_removed_without_a_copy() {
        for (expunge, trash, original) in [
            (false, None, Original::MarkDeleted),
            (true, None, Original::Remove),
            (true, Some("Bin"), Original::ToTrash(folder("Bin"))),
        ] {
            let (_, _, certain) = classic(
                Classic {
                    expunge,
                    ..Classic::default()
                },
                &places(trash),
            );
            assert_eq!((certain.copy, certain.original), (None, original));
        }
    }

    #[test]
    fn configured_modes() {
        let wish = |mode| Configured {
            mode,
            first_run_reports: true,
            delete_certain: false,
            certain_folder: None,
        };
        let (unsure, spam, certain) = configured(&wish(Mode::Move), &places(None));
        assert_eq!(unsure, Treatment::move_to(folder("Maybe")));
        assert_eq!(spam, Treatment::move_to(folder("Spam")));
        assert_eq!(certain, spam);
        let (unsure, spam, _) = configured(&wish(Mode::Flag), &places(None));
        assert!(unsure.is_leave() && spam.copy.is_none() && spam.original == Original::Keep);
        let apart = Places {
            certain: Some(folder("Surely")),
            ..places(None)
        };
        assert_eq!(
            configured(&wish(Mode::Move), &apart).2,
            Treatment::move_to(folder("Surely"))
        );
        let delete = Configured {
            delete_certain: true,
            ..wish(Mode::Move)
        };
        assert_eq!(configured(&delete, &places(None)).2.original, Original::Remove);
    }

    #[test]
    fn learned_ham_is_never_destroyed_on_gmail() {
        let destroy = Learning {
            destroy: true,
            ..Learning::default()
        };
        for (class, trash, original) in [
            (Class::Spam, None, Original::MarkDeleted),
            (Class::Ham, None, Original::MarkDeleted),
            (Class::Spam, Some("Bin"), Original::ToTrash(folder("Bin"))),
            (Class::Ham, Some("Bin"), Original::Keep),
        ] {
            assert_eq!(
                learned(&destroy, class, &places(trash)).original,
                original,
                "{class:?}"
            );
        }
        let moved = Places {
            learned_ham: Some(folder("Good")),
            ..places(None)
        };
        assert_eq!(
            learned(&destroy, Class::Ham, &moved),
            Treatment::move_to(folder("Good"))
        );
        assert_eq!(
            learned(&destroy, Class::Spam, &moved).original,
            Original::MarkDeleted
        );
        let flag = Learning {
            flag: true,
            ..Learning::default()
        };
        assert_eq!(
            learned(&flag, Class::Ham, &places(None)).flags,
            [Flag::new(Flag::FLAGGED)]
        );
    }
}
