//! The house rules that no compiler checks. Does not change any file.

mod floors;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use crate::run::workspace;

/// A text file of the workspace.
struct File {
    /// Its path within the workspace, with `/`.
    path: String,
    text: String,
}

/// Checks every rule on every file and prints what does not keep them.
///
/// # Errors
/// When a rule is broken or a file cannot be read.
pub fn tidy() -> Result<()> {
    let root = workspace();
    let mut files = Vec::new();
    read(&root, &root, &mut files)?;
    let places = private_places(&root);
    let mut faults: Vec<String> = files
        .iter()
        .flat_map(|file| rules::faults(file, &places))
        .collect();
    faults.extend(files.iter().flat_map(floors::faults));
    for fault in &faults {
        println!("{fault}");
    }
    ensure!(
        faults.is_empty(),
        "{} house rules broken; CONTRIBUTING.md says why we have them",
        faults.len()
    );
    Ok(())
}

/// Paths that say where this was checked out and who runs it. No file has business naming them.
fn private_places(root: &Path) -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    [Some(root.to_owned()), home]
        .into_iter()
        .flatten()
        .filter(|place| place.components().count() > 1)
        .map(|place| format!("{}/", place.display()))
        .collect()
}

fn read(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            if name != ".git" && name != "target" {
                read(root, &path, files)?;
            }
            continue;
        }
        // What is not UTF-8 is mail or a picture.
        if let Ok(text) = String::from_utf8(fs::read(&path).with_context(|| path.display().to_string())?) {
            let path = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push(File { path, text });
        }
    }
    Ok(())
}
