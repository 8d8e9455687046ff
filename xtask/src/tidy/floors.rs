//! The floors of the house: which crate may use which. Looks at manifests only.

use super::File;

/// Each crate with its floor. A crate may use only crates on lower floors.
const FLOORS: [(&str, u8); 16] = [
    ("isbg-types", 1),
    ("isbg-spool", 1),
    ("isbg-message", 2),
    ("isbg-tls", 2),
    ("isbg-imap", 2),
    ("isbg-store", 2),
    ("isbg-rules", 3),
    ("isbg-classifier", 3),
    ("isbg-lookups", 3),
    ("isbg-engine", 4),
    ("isbg-scan", 5),
    ("isbg-spamd", 5),
    ("isbg", 6),
    ("isbg-testkit", 7),
    ("fuzz", 7),
    ("xtask", 8),
];

/// What is wrong with this manifest.
pub fn faults(file: &File) -> Vec<String> {
    let Some(own) = file
        .path
        .strip_suffix("/Cargo.toml")
        .and_then(|folder| folder.rsplit('/').next())
    else {
        return Vec::new();
    };
    let Some(own_floor) = floor(own) else {
        return vec![format!(
            "{}: has no floor; ARCHITECTURE.md and xtask/src/tidy/floors.rs tell",
            file.path
        )];
    };
    let mut faults = Vec::new();
    let mut section = "";
    for line in file.text.lines() {
        if line.starts_with('[') {
            section = line;
        }
        let used = line.split(['.', ' ', '=']).next().unwrap_or_default();
        let counts = section.ends_with("dependencies]") && !section.contains("dev-dependencies");
        if counts && floor(used).is_some_and(|floor| floor >= own_floor) {
            faults.push(format!(
                "{}: uses {used}, which is not on a lower floor",
                file.path
            ));
        }
        if line.starts_with("description") && line.contains("TBD") {
            faults.push(format!("{}: does not say what the crate is", file.path));
        }
    }
    faults
}

fn floor(name: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(own, _)| *own == name)
        .map(|(_, floor)| *floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults_of(name: &str, text: &str) -> Vec<String> {
        faults(&File {
            path: format!("crates/{name}/Cargo.toml"),
            text: text.to_owned(),
        })
    }

    #[test]
    fn no_floor_reaches_up() {
        let up = "[dependencies]\nisbg-types.workspace = true\nisbg-scan.workspace = true\n";
        assert_eq!(faults_of("isbg-imap", up).len(), 1);
        assert!(faults_of("isbg", up).is_empty());
        assert_eq!(faults_of("isbg-spool", up).len(), 2);
        assert!(faults_of("isbg-imap", "[dev-dependencies]\nisbg-testkit.workspace = true\n").is_empty());
        assert_eq!(
            faults_of("isbg-imap", "[dependencies]\nisbg-testkit.workspace = true\n").len(),
            1
        );
        assert_eq!(faults_of("isbg-new", "").len(), 1);
    }
}
